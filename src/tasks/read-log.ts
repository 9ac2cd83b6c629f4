/** One stream of one executor, whole: from the task when it is short, from where it is kept, or from the job while that is still there. */
import { MagnetarError } from '../kernel/errors.ts';
import { isCut, logFileOf, withCutMarked, type StreamName } from './full-logs.ts';
import type { JobId, TaskId } from './ids.ts';
import type { CallOptions } from './ports/call.ts';
import type { Take } from './ports/job-transport.ts';
import type { KeptLogs, LogName } from './ports/kept-logs.ts';
import type { TaskStore } from './ports/task-store.ts';
import type { Principal } from './principal.ts';
import type { Attempt, Task } from './task.ts';
import { taskUnknown } from './task-unknown.ts';

/** A job that Pulsar still has. */
export interface JobPlace {
  readonly job: JobId;
  readonly destination: string;
}

export interface JobLogs {
  /** Hands on a file below the job's `metadata/`; false when it is not there, or the destination is not this server's. */
  download(place: JobPlace, name: string, take: Take, options: CallOptions): Promise<boolean>;
}

export interface LogDeps {
  readonly store: TaskStore;
  readonly keptLogs: KeptLogs;
  readonly jobLogs: JobLogs;
}

export interface LogRequest extends StreamName {
  readonly id: TaskId;
  readonly attempt: number;
  readonly principal: Principal;
}

/** A short log as text, a long one as the path of a file. */
export type FoundLog = { readonly text: string } | { readonly file: string };

const unknown = (message: string): MagnetarError => new MagnetarError('LOG_UNKNOWN', message);

/** The job of an attempt, as long as it was not cleaned. */
const placeOf = ({ head }: Task, { n, job }: Attempt): JobPlace | undefined =>
  head.run?.n === n ? head.run : head.debts.find((debt) => debt.job === job);

const storedText = async (
  { store }: LogDeps,
  { id, attempt, executor, stream }: LogRequest,
  options: CallOptions,
): Promise<string> => {
  const parts = await store.parts([id], [stream], options);
  return parts.find((part) => part.attempt === attempt && part.index === executor)?.text ?? '';
};

/** Fetches what the job has by now, so that a slow reader holds up nobody but himself. */
const refresh = async (
  { jobLogs, keptLogs }: LogDeps,
  place: JobPlace,
  name: LogName,
  options: CallOptions & { readonly total: number },
): Promise<void> => {
  const take: Take = (pieces) => keptLogs.keep(name, withCutMarked(pieces, options.total), options);
  await jobLogs.download(place, logFileOf(name), take, options);
};

/**
 * Only who may see a task may read its logs. Of a running executor: what it has written by now.
 * @throws MagnetarError TASK_UNKNOWN, LOG_UNKNOWN
 */
export const readLog = async (
  deps: LogDeps,
  request: LogRequest,
  options: CallOptions,
): Promise<FoundLog> => {
  const { id, executor, stream, principal } = request;
  const task = await deps.store.get(id, principal.scope, options);
  if (task === undefined) throw taskUnknown();
  const attempt = task.head.attempts.find(({ n }) => n === request.attempt);
  if (attempt === undefined) throw unknown('the task has no such attempt');
  const ended = attempt.executors.find(({ i }) => i === executor);
  const text = ended === undefined ? undefined : await storedText(deps, request, options);
  if (text !== undefined && !isCut(text)) return { text };
  const name = { task: id, attempt: attempt.n, executor, stream };
  const place = placeOf(task, attempt);
  const total = ended?.[`${stream}_bytes`] ?? 0;
  if (place !== undefined) await refresh(deps, place, name, { ...options, total });
  const file = await deps.keptLogs.find(name, options);
  if (file !== undefined) return { file };
  throw unknown(
    ended === undefined
      ? 'the executor has written nothing that is still there'
      : 'the full log is not kept any more, or was kept by another server; the task has its end',
  );
};
