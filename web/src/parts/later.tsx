/** A part of the page whose code comes when it is first shown, so that the first screen does not wait for it. */

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Trouble } from "./empty.tsx";

/** The type of a part that comes later, known before it is there. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | null = null;
  return function Later(props: P) {
    const [, tell] = useState(0);
    const [why, setWhy] = useState("");
    const fetch = () => {
      setWhy("");
      load().then(
        (part) => {
          loaded = part;
          tell((count) => count + 1);
        },
        // What the browser says names a file; what somebody can do is the same whatever it says.
        (error: unknown) => {
          console.warn("a part of the page could not be loaded", error);
          setWhy("The server cannot be reached, or a newer page is there by now: then reload it.");
        },
      );
    };
    useEffect(() => {
      if (loaded === null) fetch();
    }, []);
    if (loaded !== null) {
      const Part = loaded;
      return <Part {...props} />;
    }
    return why === "" ? null : <Trouble title="This part of the page could not be loaded." why={why} retry={fetch} />;
  };
}
