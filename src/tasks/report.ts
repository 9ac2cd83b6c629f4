/** What a runner says of its attempt: beacons on the way, the report at the end. Times are RFC 3339 UTC. */

export type ReportState = 'COMPLETE' | 'EXECUTOR_ERROR' | 'SYSTEM_ERROR' | 'CANCELED';

export interface ReportError {
  /** One of the runner's codes, see docs/runner.md. */
  readonly code: string;
  readonly message: string;
  readonly phase: string;
}

export interface ReportExecutor {
  readonly i: number;
  readonly start: string;
  readonly end: string;
  readonly exit_code: number;
  /** Last bytes of the stream, valid UTF-8 without NUL; a cut is marked in the text's first line. */
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes the container wrote, kept or not. */
  readonly stdout_bytes: number;
  readonly stderr_bytes: number;
  readonly oom?: boolean;
}

/** How something moved. Less is known of what the server moves, and by a runner that is older than this server. */
interface Moved {
  readonly method?: string;
  /** As the plan says it; of an output its first row has it. */
  readonly why?: string;
  readonly seconds?: number;
  /** Of several files: the most that one took. */
  readonly tries?: number;
}

export interface ReportInput extends Moved {
  readonly i: number;
  readonly path: string;
  readonly size: number;
}

/** One uploaded file. */
export interface ReportOutput extends Moved {
  readonly i: number;
  readonly path: string;
  readonly url: string;
  readonly size: number;
}

export interface Report {
  readonly v: 1;
  readonly job: string;
  readonly state: ReportState;
  readonly start: string;
  readonly end: string;
  readonly error: ReportError | null;
  readonly host: Readonly<Record<string, string>>;
  readonly system_logs: readonly string[];
  readonly executors: readonly ReportExecutor[];
  readonly inputs: readonly ReportInput[];
  readonly outputs: readonly ReportOutput[];
  /** Rows there were of each list of which the report has only the first; all are beside it, in `tes/<list>.jsonl`. */
  readonly cut?: { readonly outputs?: number; readonly inputs?: number };
  /** Files and empty folders that wait in the job for this server, which stores them; listed in `tes/pushed.jsonl`. */
  readonly pushed?: number;
}

/** Body of `POST /files/<job>/beacon`. Answer 200 = go on, 410 = end (cancelled, or not this server's current attempt). */
export type Beacon =
  /** The gate: sent before anything else; without a 200 (or when the server cannot be reached) see docs/runner.md. */
  | { readonly v: 1; readonly job: string; readonly event: 'start' }
  | {
      readonly v: 1;
      readonly job: string;
      readonly event: 'executor';
      readonly i: number;
      readonly start: string;
    }
  | {
      readonly v: 1;
      readonly job: string;
      readonly event: 'alive';
      /** What moves at the moment, in words. */
      readonly progress?: string;
    }
  | { readonly v: 1; readonly job: string; readonly event: 'end'; readonly report: Report };
