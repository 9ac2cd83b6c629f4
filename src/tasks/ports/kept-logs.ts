/** Full logs of executors, kept for a while after their jobs are gone. */
import type { StreamName } from '../full-logs.ts';
import type { TaskId } from '../ids.ts';
import type { CallOptions } from './call.ts';

export interface LogName extends StreamName {
  readonly task: TaskId;
  readonly attempt: number;
}

export interface KeptLogs {
  /** Keeps the pieces whole or not at all, instead of what was kept under this name. Rejects when they end in an error, and with the system's error when there is no room. */
  keep(name: LogName, pieces: AsyncIterable<Uint8Array>, options: CallOptions): Promise<void>;
  /** Path of the file; undefined when the log is not kept, or not any more. */
  find(name: LogName, options: CallOptions): Promise<string | undefined>;
}
