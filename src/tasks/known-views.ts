/** Views as JSON text, kept while their task does not change: most tasks of a list are those of the list before. */
import type { TaskId } from './ids.ts';
import type { TaskRevision } from './task.ts';

export interface KnownViews {
  /** Undefined = this revision is to be rendered. */
  of(task: TaskRevision): string | undefined;
  keep(task: TaskRevision, text: string): void;
}

/** A longer view is not kept, for it would push out hundreds. */
const LONGEST = 32 * 1024;

interface Known {
  readonly rev: number;
  readonly text: string;
}

/** Keeps up to `most` characters; what was kept first goes first. */
export const createKnownViews = (most: number): KnownViews => {
  const known = new Map<TaskId, Known>();
  let length = 0;

  const forget = (id: TaskId): void => {
    length -= known.get(id)?.text.length ?? 0;
    known.delete(id);
  };

  return {
    of({ id, rev }) {
      const view = known.get(id);
      return view?.rev === rev ? view.text : undefined;
    },
    keep({ id, rev }, text) {
      forget(id);
      if (text.length > LONGEST) return;
      known.set(id, { rev, text });
      length += text.length;
      for (const oldest of known.keys()) {
        if (length <= most) break;
        forget(oldest);
      }
    },
  };
};
