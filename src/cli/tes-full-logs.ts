/** Puts whole streams in the place of the ends that a task shows; only Magnetar keeps them. */
import { UsageError } from './program.ts';
import type { TesClient, TesStream } from './tes-client.ts';
import type { TesAttempt, TesExecutorLog, TesTask } from './tes-task.ts';

export interface FullLogs {
  readonly task: TesTask;
  /** Streams of which only the end is left. */
  readonly missing: readonly string[];
}

/** Undefined = there is none. */
const readStream = async (
  client: TesClient,
  id: string,
  stream: TesStream,
): Promise<string | undefined> => {
  const answer = await client.stream(id, stream);
  if ('text' in answer) return answer.text;
  if (answer.code === 'LOG_UNKNOWN') return undefined;
  if (answer.status === 404) {
    throw new UsageError('the server keeps no full logs: --full needs Magnetar; try without it');
  }
  throw new UsageError(`${id}: the server answers ${String(answer.status)}: ${answer.message}`);
};

const NOTHING: TesExecutorLog = { exitCode: undefined, stdout: '', stderr: '' };
const UNREPORTED: TesAttempt = { executors: [], systemLogs: [] };

/** One stream after another, for each may be long. What an executor without a report has left belongs to it. */
export const readFullLogs = async (client: TesClient, task: TesTask): Promise<FullLogs> => {
  const missing: string[] = [];
  const readExecutor = async (
    attempt: number,
    executor: number,
    known: TesExecutorLog | undefined,
  ): Promise<TesExecutorLog | undefined> => {
    const read = async (name: TesStream['name']): Promise<string | undefined> => {
      const text = await readStream(client, task.id, { attempt, executor, name });
      if (text !== undefined || known === undefined) return text;
      missing.push(`attempt ${String(attempt)}, executor ${String(executor)}: ${name}`);
      return known[name];
    };
    const [stdout, stderr] = [await read('stdout'), await read('stderr')];
    if (stdout === undefined && stderr === undefined) return undefined;
    return { ...(known ?? NOTHING), stdout: stdout ?? '', stderr: stderr ?? '' };
  };

  const readAttempt = async (given: TesAttempt, index: number): Promise<TesAttempt> => {
    const executors: TesExecutorLog[] = [];
    for (let n = 0; n < Math.max(task.commands.length, given.executors.length); n += 1) {
      const log = await readExecutor(index + 1, n, given.executors[n]);
      if (log === undefined) break; // it never began, and so did none after it
      executors.push(log);
    }
    return { ...given, executors };
  };

  const attempts: TesAttempt[] = [];
  const given = task.attempts.length === 0 ? [UNREPORTED] : task.attempts;
  for (const [index, attempt] of given.entries()) attempts.push(await readAttempt(attempt, index));
  return { task: { ...task, attempts }, missing };
};
