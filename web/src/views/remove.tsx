/** Asks before a source is removed. */

import type { Source } from "../api/types.ts";
import { say } from "../parts/announcer.tsx";
import { Confirm } from "../parts/confirm.tsx";
import { session, writeProblem } from "../state/session.ts";
import { sources } from "../state/sources.ts";

export function Remove({ source, removed, onClose }: { source: Source; removed?(): void; onClose(): void }) {
  const remove = async () => {
    try {
      await session.value?.api.remove(source.id);
      say(`${source.name} was removed.`);
      await sources.refresh();
      removed?.();
      return null;
    } catch (error) {
      return writeProblem(error).message;
    }
  };
  const text = `“${source.name}” is no longer polled, its data and its key are deleted, and everyone who watches it is told. This cannot be undone.`;
  return <Confirm title="Remove this source?" text={text} act="Remove" onConfirm={remove} onClose={onClose} />;
}
