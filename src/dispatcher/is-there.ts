/** Whether the runner has left a file; nothing of it is held in memory, however large it is. */
import type { JobId } from '../tasks/ids.ts';
import type { CallOptions } from '../tasks/ports/call.ts';
import type { JobTransport, Take } from '../tasks/ports/job-transport.ts';

/** Ends before the first piece. */
const takeNothing: Take = () => Promise.resolve();

export const isThere = (
  transport: JobTransport,
  job: JobId,
  name: string,
  { signal }: CallOptions,
): Promise<boolean> =>
  transport.download(job, name, takeNothing, { signal, maxBytes: Number.MAX_SAFE_INTEGER });
