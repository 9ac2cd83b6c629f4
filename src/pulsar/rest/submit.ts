/** Lays a job's files down and starts it, and finds out what became of a start that got no clear answer. */
import { MagnetarError } from '../../kernel/errors.ts';
import type { JobId } from '../../tasks/ids.ts';
import type { CallOptions } from '../../tasks/ports/call.ts';
import type { JobFile, JobStatus, PulsarStatus } from '../../tasks/ports/job-transport.ts';
import { FAILURE_FILE, decodeObject, textOf } from '../answers.ts';
import { withLinked } from '../../kernel/link-abort.ts';
import type { PulsarClient } from './client.ts';
import { hungUp, refused } from './failures.ts';

/** Puts files into `inputs/` of a job that was set up; repeatable. */
export type LayDown = (
  job: JobId,
  files: readonly JobFile[],
  options: CallOptions,
) => Promise<void>;

export interface SubmitDeps {
  readonly client: PulsarClient;
  readonly layDown: LayDown;
  readonly status: (job: JobId, call: CallOptions) => Promise<JobStatus>;
  /** The report as a dynamic file source. */
  readonly report: string;
  readonly answerBytes: number;
}

/** Constant and short; the working folder is the job's `working/` (protocol A.6). */
const COMMAND_LINE = '/bin/bash ../inputs/run.sh';

/** Pulsar took the job when it says one of these; `preprocessing` is also the word for a job that was only laid down. */
const STARTED: ReadonlySet<PulsarStatus> = new Set<PulsarStatus>([
  'queued',
  'running',
  'postprocessing',
  'complete',
  'cancelled',
]);

/**
 * An own call, not `setup_params` of the start: a Pulsar with `assign_ids: uuid` would make the folder under one id
 * and start the job under another (protocol A.3); here it is found out before anything runs.
 */
export const setUp = async (
  deps: Pick<SubmitDeps, 'client' | 'answerBytes'>,
  job: JobId,
  signal: AbortSignal,
): Promise<void> => {
  const { client, answerBytes } = deps;
  const call = { what: 'setup', lane: 'control', method: 'POST', path: '/jobs' } as const;
  const body = await client.send({
    ...call,
    query: { job_id: job },
    maxBytes: answerBytes,
    signal,
  });
  const given = textOf(decodeObject(body), 'job_id');
  if (given === job) return;
  throw new MagnetarError(
    'PULSAR_REFUSED',
    given === undefined
      ? `${client.where()} is not a Pulsar`
      : `${client.where()} gives jobs its own ids: take "assign_ids: uuid" out of its app.yml`,
  );
};

/** Uploads all files at once (the lane bounds how many travel); the first failure calls the others off. */
export const uploadTo =
  (client: PulsarClient, maxBytes: number): LayDown =>
  (job, files, options) =>
    withLinked([options.signal], async (signal, abort) => {
      const uploads = files.map(async ({ name, bytes }) => {
        await client.send({
          what: 'upload',
          lane: 'transfer',
          method: 'POST',
          path: `/jobs/${job}/files`,
          query: { type: 'input', name },
          body: bytes,
          maxBytes,
          signal,
        });
      });
      try {
        await Promise.all(uploads);
      } catch (error) {
        abort(error);
        await Promise.allSettled(uploads);
        throw error;
      }
    });

const start = async (deps: SubmitDeps, job: JobId, signal: AbortSignal): Promise<void> => {
  const { client, report, answerBytes } = deps;
  const sources = [report, FAILURE_FILE].map((path) => ({ type: 'galaxy', path }));
  const what = 'submit';
  const answer = await client.ask({
    what,
    lane: 'control',
    method: 'POST',
    path: `/jobs/${job}/submit`,
    query: { command_line: COMMAND_LINE, dynamic_file_sources: JSON.stringify(sources) },
    maxBytes: answerBytes,
    signal,
  });
  if (answer.kind === 'ok') return;
  const { status, failure } = await deps.status(job, { signal });
  if (STARTED.has(status)) return;
  if (failure !== undefined) {
    throw new MagnetarError('PULSAR_REFUSED', `Pulsar could not start the job: ${failure}`);
  }
  if (answer.kind === 'hang-up') throw hungUp(client.where(), what);
  throw refused(client.where(), what, answer.status);
};

export const createSubmit =
  (deps: SubmitDeps) =>
  async (job: JobId, files: readonly JobFile[], { signal }: CallOptions): Promise<void> => {
    await setUp(deps, job, signal);
    await deps.layDown(job, files, { signal });
    await start(deps, job, signal);
  };
