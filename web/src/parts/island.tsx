/** Holds an island: made with the element, told of every change, taken down with it. */

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Island, IslandPorts, Look } from "../live/island.ts";
import type { Watched } from "../state/watched.ts";

interface Props {
  make: new (host: HTMLElement, ports: IslandPorts, look: Look) => Island;
  watched: Watched;
  look: Look;
  /** Counts how often the reader asked for the order of now. */
  arranged: number;
  label: string;
  kept: IslandPorts["kept"];
  picked: IslandPorts["picked"];
  noted: IslandPorts["noted"];
  reshaped: IslandPorts["reshaped"];
  aged: IslandPorts["aged"];
}

export function IslandHost({ make: Made, watched, look, arranged, label, kept, picked, noted, reshaped, aged }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const island = useRef<Island>(null);
  // Taken down while it is still on the page: what is not there any more is scrolled nowhere.
  useLayoutEffect(() => {
    const document = () => watched.shown;
    const made = new Made(host.current as HTMLElement, { document, label, kept, picked, noted, reshaped, aged }, look);
    const deaf = watched.listen((touched) => made.changed(touched));
    island.current = made;
    return () => {
      deaf();
      made.destroy();
      picked(null);
      aged(null);
    };
  }, [Made, watched]);
  useEffect(() => island.current?.look(look), [look.query, look.frozen, look.hasFilters, Made, watched]);
  useEffect(() => {
    if (arranged > 0) island.current?.arrangeAgain();
  }, [arranged]);
  return <div class="island" ref={host} />;
}
