/** The end of `magnetar serve`: the first Ctrl-C lets running tasks go on, the second cancels them and forces the end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../kernel/errors.ts';
import { EXIT } from './exit-codes.ts';
import type { Output } from './output.ts';

export interface Stoppable {
  /** Tasks under way. */
  running(): number;
  /** Running jobs go on; answers how many. */
  stop(): Promise<{ readonly running: number }>;
  /** Before or during `stop`. */
  cancelAll(): Promise<void>;
}

export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });

const tasksGoOn = (running: number): string =>
  running === 0
    ? 'no task is running'
    : `${String(running)} running ${running === 1 ? 'task goes' : 'tasks go'} on and will be found at the next start`;

export const stoppingLine = (running: number): string =>
  `stopping; ${tasksGoOn(running)}. Ctrl-C again ${running === 0 ? '' : 'cancels what runs and '}ends at once`;

/** After a second Ctrl-C whatever is still open has so long to close. */
const FORCED_CLOSE_MS = 1_000;

/** `left`: what ran when the stop was complete; undefined = it was not. */
const forcedLine = (left: number | undefined): string => {
  if (left === undefined) return 'before all was closed; the next start takes up what still runs';
  if (left === 0) return 'no task is running';
  return `the next start cancels what still runs (${String(left)})`;
};

/** Cancels what runs; what then does not close in time is left to the end of the process. */
const forceEnd = async (
  app: Stoppable,
  stopped: ReturnType<Stoppable['stop']>,
  output: Output,
): Promise<void> => {
  if (app.running() > 0) output.note('cancelling what runs; Ctrl-C again does not wait for it');
  await app.cancelAll().catch((error: unknown) => {
    output.note(`could not cancel all: ${messageOf(error)}`);
  });
  const left = stopped.then(
    ({ running }) => running,
    () => undefined,
  );
  const line = forcedLine(await Promise.race([left, sleep(FORCED_CLOSE_MS, undefined)]));
  output.note(`ended by a second Ctrl-C; ${line}`);
};

/** Stops the application, at once when `cancel` aborts; answers the exit code. */
export const stopApp = async (
  app: Stoppable,
  cancel: AbortSignal,
  output: Output,
): Promise<number> => {
  const stopped = app.stop();
  await Promise.race([stopped, aborted(cancel)]);
  if (cancel.aborted) {
    await forceEnd(app, stopped, output);
    return EXIT.forced;
  }
  output.note(`stopped; ${tasksGoOn((await stopped).running)}`);
  return EXIT.ok;
};
