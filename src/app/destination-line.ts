/** One destination from its configuration to work: its Pulsar, one real job as a check, then its owner. */
import { backoffDelayMs, type BackoffPolicy } from '../kernel/backoff.ts';
import { createDeferred } from '../kernel/deferred.ts';
import { messageOf } from '../kernel/errors.ts';
import type { IdSource } from '../kernel/ids.ts';
import {
  createDestinationOwner,
  type DestinationOwner,
  type OwnerDeps,
} from '../dispatcher/destination-owner.ts';
import { checkSandbox } from '../dispatcher/sandbox-check.ts';
import type { OpenTransport } from './adapters.ts';

export interface DestinationLine {
  /** Its `run` first makes the destination usable, then owns it. */
  readonly owner: DestinationOwner;
  /** Settles once a real job has run. One of our own rejects with the reason why not; a foreign one is asked until it answers. */
  readonly ready: Promise<void>;
  /** Whether a real job has run. */
  isChecked(): boolean;
  /** Its Pulsar is ours: the server may not start without it. */
  readonly own: boolean;
}

export interface LineDeps extends OwnerDeps {
  readonly open: OpenTransport;
  readonly ids: IdSource;
  readonly onProgress: (line: string) => void;
}

const AGAIN: BackoffPolicy = { firstMs: 1_000, factor: 2, maxMs: 30_000 };

const BUBBLEWRAP_NOTE =
  'bubblewrap runs tasks with the tools of this host: images are ignored, memory is not limited, fit for one trusted user';

const check = async (deps: LineDeps, signal: AbortSignal): Promise<void> => {
  const { name } = deps.destination;
  deps.onProgress(`running a check job on ${name}`);
  const host = await checkSandbox(deps, signal);
  const runtime = host['runtime'] ?? 'unknown';
  deps.logger.info('a check job has run', { host });
  deps.onProgress(`${name} runs tasks with ${runtime}`);
  if (runtime === 'bubblewrap') deps.onProgress(BUBBLEWRAP_NOTE);
};

const untilChecked = async (deps: LineDeps, signal: AbortSignal): Promise<void> => {
  for (let n = 0; ; n += 1) {
    try {
      await check(deps, signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      deps.logger.warn('the destination cannot run tasks yet', { error: messageOf(error) });
      await deps.clock.sleep(backoffDelayMs(AGAIN, n, deps.random()), signal);
    }
  }
};

const bringUp = async (deps: LineDeps, signal: AbortSignal): Promise<void> => {
  const { start } = deps.open;
  if (start === undefined) {
    await untilChecked(deps, signal);
  } else {
    await start(signal, deps.onProgress);
    await check(deps, signal);
  }
};

export const createDestinationLine = (deps: LineDeps): DestinationLine => {
  const owner = createDestinationOwner(deps);
  const { promise: ready, resolve, reject } = createDeferred<void>();
  ready.catch(() => undefined); // whoever waits for it hears of it; nobody has to

  let checked = false;
  return {
    ready,
    own: deps.open.start !== undefined,
    isChecked: () => checked,
    owner: {
      ...owner,
      async run(signal) {
        try {
          await bringUp(deps, signal);
        } catch (error) {
          reject(error);
          return;
        }
        checked = true;
        resolve();
        await owner.run(signal);
      },
    },
  };
};
