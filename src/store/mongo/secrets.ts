/** Erases the secrets of tasks that have ended, whoever should have done so. */
import { idsSince } from '../../kernel/ids.ts';
import type { TaskId } from '../../tasks/ids.ts';
import { isTerminal } from '../../tasks/states.ts';
import type { StoreLogger } from '../change-hub.ts';
import type { Calls } from './calls.ts';
import type { Collections } from './collections.ts';

/** Secrets are kept until their task ends. */
export const wipeSecrets = async (
  { parts }: Collections,
  ended: readonly TaskId[],
): Promise<void> => {
  if (ended.length > 0) await parts.deleteMany({ task: { $in: [...ended] }, kind: 'secret' });
};

/** Parts whose task was never stored; a repeated creation may complete one for a day (repeats.ts). */
const ORPHAN_MS = 2 * 24 * 60 * 60 * 1000;
const BATCH = 1_000;
const PERIOD_MS = 60 * 60 * 1000;

/** Looks at all secrets there are: only live tasks have some. */
export const sweepSecrets = async (collections: Collections, now: number): Promise<void> => {
  const { parts, tasks } = collections;
  const oldest = idsSince(now - ORPHAN_MS);
  for (let last: TaskId | undefined, more = true; more;) {
    const found: readonly { readonly task: TaskId }[] = await parts
      .find(
        { kind: 'secret', ...(last === undefined ? {} : { task: { $gt: last } }) },
        { projection: { _id: 0, task: 1 }, sort: { task: 1 }, limit: BATCH },
      )
      .toArray();
    const ids = [...new Set(found.map(({ task }) => task))];
    last = ids.at(-1);
    more = found.length === BATCH;
    const there = await tasks
      .find({ _id: { $in: ids } }, { projection: { state: 1 } })
      .map(({ _id, state }) => [_id, state] as const)
      .toArray();
    const states = new Map(there);
    const over = ids.filter((id) => {
      const state = states.get(id);
      return state === undefined ? id < oldest : isTerminal(state);
    });
    await wipeSecrets(collections, over);
  }
};

export interface Sweeps {
  stop(): void;
}

/** At once and every hour: a writer may have died between the end of a task and the removal, and no other have heard of it. */
export const startSweeps = ({
  collections,
  calls,
  logger,
}: {
  readonly collections: Collections;
  readonly calls: Calls;
  readonly logger: StoreLogger | undefined;
}): Sweeps => {
  const stopping = new AbortController();
  const sweep = (): void => {
    calls
      .run({ signal: stopping.signal }, () => sweepSecrets(collections, Date.now()))
      .catch((error: unknown) => {
        if (stopping.signal.aborted) return;
        logger?.warn('secrets of ended tasks cannot be looked for', { error });
      });
  };
  sweep();
  const timer = setInterval(sweep, PERIOD_MS);
  return {
    stop() {
      clearInterval(timer);
      stopping.abort();
    },
  };
};
