/** What the browser's tab is called: several of them are open, and each should say which source it shows. */

import { useEffect } from "preact/hooks";
import { visible } from "../live/format.ts";

const PRODUCT = "Live sources";

export function useTitle(name: string): void {
  useEffect(() => {
    document.title = `${visible(name)} · ${PRODUCT}`;
    return () => {
      document.title = PRODUCT;
    };
  }, [name]);
}
