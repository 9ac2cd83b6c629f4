/** Waits for the end of tasks by polling with growing pauses; a server that is away for a moment is asked again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { TransientError, type TesClient } from './tes-client.ts';
import { readTask } from './tes-task.ts';

export interface WaitOptions {
  /** Seconds; undefined = no limit. */
  readonly timeout: number | undefined;
  readonly onState: (id: string, state: string) => void;
}

export interface WaitResult {
  readonly id: string;
  readonly state: string;
  /** Of the state, or time-out. */
  readonly code: number;
}

const FIRST_PAUSE_MS = 100;
const PAUSE_FACTOR = 1.3;
const MAX_PAUSE_MS = 2000;
const MAX_FAILURES = 10;

const createReader = (client: TesClient, id: string) => {
  let failures = 0;
  return async (before: string): Promise<string> => {
    try {
      const { state } = readTask(await client.get(id, 'MINIMAL'));
      failures = 0;
      return state;
    } catch (error) {
      failures += 1;
      if (!(error instanceof TransientError) || failures >= MAX_FAILURES || before === '')
        throw error;
      return before;
    }
  };
};

/** Follows one task to its end or to the deadline. */
const waitForOne = async (
  client: TesClient,
  id: string,
  deadline: number,
  onState: WaitOptions['onState'],
): Promise<WaitResult> => {
  const readState = createReader(client, id);
  let state = '';
  let pause = FIRST_PAUSE_MS;
  for (;;) {
    const next = await readState(state);
    if (next !== state) {
      onState(id, next);
      pause = FIRST_PAUSE_MS;
    }
    state = next;
    const code = exitCodeOf(state);
    if (code !== undefined) return { id, state, code };
    const left = deadline - performance.now();
    if (left <= 0) return { id, state, code: EXIT.timeout };
    await sleep(Math.min(pause, left));
    pause = Math.min(pause * PAUSE_FACTOR, MAX_PAUSE_MS);
  }
};

/** All results in the order of the ids. */
export const waitForAll = (
  client: TesClient,
  ids: readonly string[],
  options: WaitOptions,
): Promise<readonly WaitResult[]> => {
  const limit = options.timeout === undefined ? Number.POSITIVE_INFINITY : options.timeout * 1000;
  const deadline = performance.now() + limit;
  return Promise.all(ids.map((id) => waitForOne(client, id, deadline, options.onState)));
};

/** The first that is not COMPLETE decides. */
export const worstCode = (results: readonly WaitResult[]): number =>
  results.find(({ code }) => code !== EXIT.ok)?.code ?? EXIT.ok;
