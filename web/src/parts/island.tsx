/** Holds an island: made with the element, told of every change, taken down with it. */

import { useEffect, useRef } from "preact/hooks";
import type { Island, IslandPorts } from "../live/island.ts";
import type { Watched } from "../state/watched.ts";

interface Props {
  make: new (host: HTMLElement, ports: IslandPorts) => Island;
  watched: Watched;
  query: string;
  label: string;
  picked: IslandPorts["picked"];
  noted: IslandPorts["noted"];
}

export function IslandHost({ make: Made, watched, query, label, picked, noted }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const island = useRef<Island>(null);
  useEffect(() => {
    const document = () => watched.replica.document;
    const made = new Made(host.current as HTMLElement, { document, label, picked, noted });
    const deaf = watched.listen((touched) => made.changed(touched));
    island.current = made;
    return () => {
      deaf();
      made.destroy();
      picked(null);
    };
  }, [Made, watched]);
  useEffect(() => island.current?.filter(query), [query, Made, watched]);
  return <div class="island" ref={host} />;
}
