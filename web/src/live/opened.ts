/** What the reader opened or closed. It stays with its record, and in a copy of the whole document with its path. */

import type { Container, Json } from "../protocol/json.ts";
import { settled, type Heirs, type Place } from "./place.ts";

interface Choice {
  place: Place;
  part: number | null;
  isOpen: boolean;
}

export class Opened {
  private choices = new Map<Container, Map<number | null, Choice>>();

  readonly chosen = (of: Container, part: number | null): boolean | undefined => this.choices.get(of)?.get(part)?.isOpen;

  choose(place: Place, part: number | null, isOpen: boolean): void {
    const of = place.trail.at(-1) as Container;
    const ofIt = this.choices.get(of) ?? new Map<number | null, Choice>();
    ofIt.set(part, { place, part, isOpen });
    this.choices.set(of, ofIt);
  }

  /** The document has other members, or is another one. */
  settle(document: Json, heirs: Heirs): void {
    const before = [...this.choices.values()].flatMap((ofIt) => [...ofIt.values()]);
    this.choices = new Map();
    for (const { place, part, isOpen } of before) {
      const now = settled(place, document, heirs);
      // A plain value has nothing to open.
      if (now !== null && now.trail.length > now.path.length) this.choose(now, part, isOpen);
    }
  }
}
