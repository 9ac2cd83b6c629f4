/** Learns of every change by whichever process, by asking again and again for what the database timed last. */
import type { TaskId } from '../../tasks/ids.ts';
import type { TaskChange } from '../../tasks/ports/changes.ts';
import type { ChangeHub, StoreLogger } from '../change-hub.ts';
import { isTerminal } from '../../tasks/states.ts';
import type { Collections } from './collections.ts';
import type { TaskDocument } from './documents.ts';
import { wipeSecrets } from './secrets.ts';

const PERIOD_MS = 300;
/**
 * The database's clock times each write, but writes become visible a little out of order, so every
 * look reaches back; now and then a long look catches what was held up, or timed by the slower
 * clock of a new primary. What is known already is dropped by its revision.
 */
const OVERLAP_MS = 2_000;
const LONG_OVERLAP_MS = 30_000;
const LOOKS_PER_LONG = 20;
/** Known revisions are forgotten so long after a look returned them last: well beyond the time between two long looks. */
const MEMORY_MS = 120_000;

export interface Tail {
  /** Tells of a change once, whether this process made it or a look found it. */
  offer(change: TaskChange): void;
  /** Tells of a change of this process without waiting for the next look. */
  announce(id: TaskId): Promise<void>;
  close(): Promise<void>;
}

interface Memory {
  knows(id: TaskId, rev: number): boolean;
  /** Whether this revision is news. What is heard again stays known: on an idle store every look returns the same. */
  learn(id: TaskId, rev: number): boolean;
  /** Called once a look was learned, so that nothing is forgotten that it returned. */
  forget(): void;
}

const createMemory = (monotonic: () => number): Memory => {
  const known = new Map<TaskId, { readonly rev: number; readonly at: number }>();
  const knows = (id: TaskId, rev: number): boolean => (known.get(id)?.rev ?? 0) >= rev;
  return {
    knows,
    learn(id, rev) {
      const isNews = !knows(id, rev);
      const newest = isNews ? rev : (known.get(id)?.rev ?? rev);
      known.delete(id); // so that the order of the map is the order of the times
      known.set(id, { rev: newest, at: monotonic() });
      return isNews;
    },
    forget() {
      const limit = monotonic() - MEMORY_MS;
      for (const [id, { at }] of known) {
        if (at > limit) return;
        known.delete(id);
      }
    },
  };
};

type Seen = Pick<TaskDocument, '_id' | 'owner' | 'state' | 'rev' | 'mod'>;

const FIELDS = { owner: 1, state: 1, rev: 1, mod: 1 } as const;

const changeOf = ({ _id, owner, state, rev }: Seen): TaskChange => ({ id: _id, owner, state, rev });

export interface TailDeps {
  readonly collections: Collections;
  readonly hub: ChangeHub;
  readonly logger: StoreLogger | undefined;
  /** The clock of the memory; tests let it run fast. */
  readonly monotonic?: () => number;
}

/** Everything before this call is old; from here on nothing is missed. */
export const startTail = async ({
  collections,
  hub,
  logger,
  monotonic = () => performance.now(),
}: TailDeps): Promise<Tail> => {
  const { tasks } = collections;
  const memory = createMemory(monotonic);
  const newest = await tasks.findOne({}, { projection: FIELDS, sort: { mod: -1 } });
  let cursor = newest?.mod.getTime() ?? 0;

  const look = async (overlapMs: number): Promise<readonly Seen[]> => {
    const since = new Date(cursor - overlapMs);
    const found: readonly Seen[] = await tasks
      .find({ mod: { $gte: since } }, { projection: FIELDS, sort: { mod: 1 } })
      .toArray();
    cursor = Math.max(cursor, found.at(-1)?.mod.getTime() ?? 0);
    return found;
  };

  const offer = (change: TaskChange): void => {
    if (memory.learn(change.id, change.rev)) hub.emit(change);
  };

  /** A writer that died after the end of a task may have left its secrets: whoever hears of the end removes them. */
  const wipe = (found: readonly Seen[]): Promise<void> =>
    wipeSecrets(
      collections,
      found.filter(({ state }) => isTerminal(state)).map(({ _id }) => _id),
    );

  const old = await look(LONG_OVERLAP_MS);
  for (const { _id, rev } of old) memory.learn(_id, rev);
  await wipe(old);
  const close = followFor(async (n) => {
    const found = await look(n % LOOKS_PER_LONG === 0 ? LONG_OVERLAP_MS : OVERLAP_MS);
    await wipe(found.filter(({ _id, rev }) => !memory.knows(_id, rev)));
    found.map(changeOf).forEach(offer);
    memory.forget();
  }, logger);

  return {
    offer,
    async announce(id) {
      const found: Seen | null = await tasks.findOne({ _id: id }, { projection: FIELDS });
      if (found !== null) offer(changeOf(found));
    },
    close,
  };
};

/** Looks again and again; a failure is logged once for each outage, and the next success goes on from the same cursor. */
const followFor = (
  look: (n: number) => Promise<void>,
  logger: StoreLogger | undefined,
): (() => Promise<void>) => {
  const stop = new AbortController();
  let failing = false;
  const run = async (): Promise<void> => {
    for (let n = 1; !stop.signal.aborted; n += 1) {
      try {
        await look(n);
        failing = false;
      } catch (error) {
        if (!failing) logger?.warn('changes cannot be followed', { error });
        failing = true;
      }
      await pause(PERIOD_MS, stop.signal);
    }
  };
  const ended = run();
  return async () => {
    stop.abort();
    await ended;
  };
};

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
