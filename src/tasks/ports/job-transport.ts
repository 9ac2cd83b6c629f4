/** One Pulsar manager behind one transport. Every implementation passes tests/contract/job-transport.contract.ts. */
import type { Readable } from 'node:stream';
import type { JobId } from '../ids.ts';
import type { CallOptions } from './call.ts';

/** A file laid into the job's `inputs/` before it starts. */
export interface JobFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A file of any size on its way into a job. */
export interface JobUpload {
  readonly body: Readable;
  /** Bytes; absent = nobody has said. */
  readonly size?: number;
}

/** Pulsar's own words, and `unknown` for what it cannot map. */
export type PulsarStatus =
  | 'preprocessing'
  | 'queued'
  | 'running'
  | 'postprocessing'
  | 'complete'
  | 'cancelled'
  | 'failed'
  | 'lost'
  | 'unknown';

/** A hint, never the truth: what decides is the runner's report. */
export interface JobStatus {
  readonly status: PulsarStatus;
  /** Pulsar considers the job over. */
  readonly final: boolean;
  /** Text of the report, when Pulsar's final answer carried it. */
  readonly report?: string;
  /** Why Pulsar could not start the job, when it says so. */
  readonly failure?: string;
}

/** Takes the pieces of a file as they come; ending early is allowed. */
export type Take = (bytes: AsyncIterable<Uint8Array>) => Promise<void>;

export interface DownloadOptions extends CallOptions {
  readonly maxBytes: number;
  /** For somebody who looks on: no job waits for it. */
  readonly aside?: true;
}

export interface CollectOptions extends CallOptions {
  readonly maxBytes: number;
}

export interface JobTransport {
  /** Lays the files down and starts the job. Repeating it can run the job twice after a restart of Pulsar: the caller follows the rules of DESIGN section 4. */
  submit(job: JobId, files: readonly JobFile[], options: CallOptions): Promise<void>;
  /** PULSAR_REFUSED when Pulsar cannot tell, which may last for ever (output that is not UTF-8): `fetch` then still finds the report. */
  status(job: JobId, options: CallOptions): Promise<JobStatus>;
  /** A file below the job's `metadata/` folder, e.g. `tes/report.json`; undefined when it is not there. A file of more than `maxBytes` is PULSAR_REFUSED. */
  fetch(
    job: JobId,
    name: string,
    options: CallOptions & { readonly maxBytes: number },
  ): Promise<Uint8Array | undefined>;
  /**
   * The same for files of any size: hands the pieces to `take` in bounded memory, and answers false without calling it when the
   * file is not there. What `take` throws is thrown; a transfer that breaks off throws, after some pieces, out of the iteration.
   */
  download(job: JobId, name: string, take: Take, options: DownloadOptions): Promise<boolean>;
  /**
   * Lays a file of any size into `inputs/` of a job that was not submitted yet, in bounded memory; repeatable. `open` is called
   * when its turn has come; what it throws, and what its body ends with, is thrown. What breaks off leaves half a file.
   */
  upload(
    job: JobId,
    name: string,
    open: () => Promise<JobUpload>,
    options: CallOptions,
  ): Promise<void>;
  /** As `download`, for a file of any size below `outputs/` of a job: it may take as long as bytes come. */
  collect(job: JobId, name: string, take: Take, options: CollectOptions): Promise<boolean>;
  /** Marks the job for its runner, which then stops its container with grace and reports; Pulsar knows nothing of the mark, so that a `kill` still works. */
  askToStop(job: JobId, options: CallOptions): Promise<void>;
  /** Asks Pulsar to kill; Pulsar ignores it in several phases, so the caller repeats it until the end is seen. */
  kill(job: JobId, options: CallOptions): Promise<void>;
  /** Removes what is left of an ended job. */
  clean(job: JobId, options: CallOptions): Promise<void>;
  /** Answers the version of a live Pulsar; throws PULSAR_UNREACHABLE or PULSAR_UNAUTHORIZED. */
  probe(options: CallOptions): Promise<{ readonly version: string }>;
  close(): Promise<void>;
}
