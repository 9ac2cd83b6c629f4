/** One destination from its configuration to work: its owner, its Pulsar, and one real job as a check before it takes tasks. */
import { backoffDelayMs, type BackoffPolicy } from '../kernel/backoff.ts';
import { createDeferred } from '../kernel/deferred.ts';
import { isMagnetarError, MagnetarError } from '../kernel/errors.ts';
import type { IdSource } from '../kernel/ids.ts';
import type { Destination } from '../tasks/destination.ts';
import { RUNTIMES, type PlanRuntime } from '../tasks/plan.ts';
import type { CheckJobs } from '../tasks/ports/check-jobs.ts';
import { isBelow } from '../tasks/urls.ts';
import {
  createDestinationOwner,
  type DestinationOwner,
  type OwnerDeps,
} from './destination-owner.ts';
import { checkSandbox } from './sandbox-check.ts';

export interface DestinationLine {
  /** Follows at once what runs there, and takes tasks once a real job has run as a check. */
  readonly owner: DestinationOwner;
  /** Settles once a real job has run. One of our own rejects with the reason why not; a foreign one is asked until it answers. */
  readonly ready: Promise<void>;
  /** Whether a real job has run. */
  isChecked(): boolean;
  /** Its Pulsar is ours: the server may not start without it. */
  readonly own: boolean;
}

/** What of a Pulsar is this server's to take care of; a foreign one has nothing of it. */
export interface OwnPulsar {
  /** Where it keeps its jobs; a real path. */
  readonly folder?: string;
  readonly start?: (signal: AbortSignal, onProgress: (line: string) => void) => Promise<void>;
}

export interface LineDeps extends Omit<OwnerDeps, 'runtime' | 'mayClaim'> {
  readonly pulsar: OwnPulsar;
  readonly ids: IdSource;
  readonly checkJobs: CheckJobs;
  readonly onProgress: (line: string) => void;
}

const AGAIN: BackoffPolicy = { firstMs: 1_000, factor: 2, maxMs: 30_000 };

const BUBBLEWRAP_NOTE =
  'bubblewrap runs tasks with the tools of this host: images are ignored, memory is not limited, fit for one trusted user';

/** What bubblewrap shows of the host to every task (`HOST_FOLDERS` of runner/src/bubblewrap.py). */
export const SHOWN = ['/bin', '/lib', '/lib32', '/lib64', '/libx32', '/opt', '/sbin', '/usr'];

/** Keys and other tasks' files must not lie where tasks can look. */
const assertHidden = (folder: string | undefined): void => {
  const shown = SHOWN.find((root) => folder !== undefined && isBelow(folder, root));
  if (shown === undefined) return;
  throw new MagnetarError(
    'STARTUP',
    `bubblewrap shows ${shown} to every task, and the data directory lies in it: choose one elsewhere with --data DIR`,
  );
};

/** What the runner found on the destination's host. */
type Host = Awaited<ReturnType<typeof checkSandbox>>;

const ADVICE =
  './bin/magnetar doctor says what this machine has; runtime = "docker", "podman", "apptainer" or "bubblewrap" under [[destinations]] takes another one than the first that answers (docs/configuration.md)';

const withAdvice = (error: unknown): unknown =>
  isMagnetarError(error, 'STARTUP')
    ? new MagnetarError('STARTUP', `${error.message}\n  → ${ADVICE}`, { cause: error })
    : error;

const check = async (deps: LineDeps, signal: AbortSignal): Promise<Host> => {
  const { name } = deps.destination;
  deps.onProgress(`running a check job on ${name}`);
  const host = await checkSandbox(deps, signal);
  const runtime = host['runtime'] ?? 'unknown';
  deps.logger.info('a check job has run', { host });
  deps.onProgress(`${name} runs tasks with ${runtime}`);
  if (runtime === 'bubblewrap') {
    assertHidden(deps.pulsar.folder);
    deps.onProgress(BUBBLEWRAP_NOTE);
  }
  return host;
};

const untilChecked = async (deps: LineDeps, signal: AbortSignal): Promise<Host> => {
  for (let n = 0; ; n += 1) {
    try {
      return await check(deps, signal);
    } catch (error) {
      signal.throwIfAborted();
      deps.logger.warn('the destination cannot run tasks yet', { error });
      await deps.clock.sleep(backoffDelayMs(AGAIN, n, deps.random()), signal);
    }
  }
};

const bringUp = async (deps: LineDeps, signal: AbortSignal): Promise<Host> => {
  const { start } = deps.pulsar;
  if (start === undefined) return untilChecked(deps, signal);
  await start(signal, deps.onProgress);
  return check(deps, signal).catch((error: unknown) => {
    throw withAdvice(error);
  });
};

/** What `auto` has found stays until the next start, so that jobs need not look for it again. */
const settleRuntime = ({ runtime }: Destination, host: Host): PlanRuntime => {
  const found = RUNTIMES.find((name) => name === host['runtime']);
  return found === undefined ? runtime : { ...runtime, kind: found };
};

export const createDestinationLine = (deps: LineDeps): DestinationLine => {
  const { promise: ready, resolve, reject } = createDeferred<void>();
  ready.catch(() => undefined); // whoever waits for it hears of it; nobody has to
  let { runtime } = deps.destination;
  let checked = false;
  const owner = createDestinationOwner({
    ...deps,
    runtime: () => runtime,
    mayClaim: () => checked,
  });
  const open = async (signal: AbortSignal): Promise<void> => {
    try {
      runtime = settleRuntime(deps.destination, await bringUp(deps, signal));
      checked = true;
      owner.opened();
      resolve();
    } catch (error) {
      reject(error);
    }
  };
  return {
    ready,
    own: deps.pulsar.start !== undefined,
    isChecked: () => checked,
    owner: {
      ...owner,
      async run(signal) {
        await Promise.all([owner.run(signal), open(signal)]);
      },
    },
  };
};
