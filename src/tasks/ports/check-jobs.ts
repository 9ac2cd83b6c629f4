/** Which check jobs were begun and not yet removed: they belong to no task, so that no debt names them. Survives this process. */
import type { JobId } from '../ids.ts';
import type { CallOptions } from './call.ts';

export interface CheckJobs {
  /** Recorded before the job is sent. */
  begin(destination: string, job: JobId, options: CallOptions): Promise<void>;
  /** The job is removed from its Pulsar. */
  end(destination: string, job: JobId, options: CallOptions): Promise<void>;
  left(destination: string, options: CallOptions): Promise<readonly JobId[]>;
}
