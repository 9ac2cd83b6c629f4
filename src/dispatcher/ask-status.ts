/** Pulsar's word on a job; `unknown` when it answers with an error, as it does for ever once it cannot build the answer (protocol fact 4). */
import { isMagnetarError } from '../kernel/errors.ts';
import type { JobId } from '../tasks/ids.ts';
import type { CallOptions } from '../tasks/ports/call.ts';
import type { JobStatus, JobTransport } from '../tasks/ports/job-transport.ts';

export const askStatus = async (
  transport: JobTransport,
  job: JobId,
  options: CallOptions,
): Promise<JobStatus> => {
  try {
    return await transport.status(job, options);
  } catch (error) {
    if (!isMagnetarError(error, 'PULSAR_REFUSED')) throw error;
    return { status: 'unknown', final: false };
  }
};
