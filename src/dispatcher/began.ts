/** Whether a container of a job may have started: a beacon can be lost, what the runner left on its disk tells more. */
import { runOf } from '../tasks/attempts.ts';
import { logFileOf } from '../tasks/full-logs.ts';
import { HEARTBEAT_MAX_BYTES, METADATA_FILES } from '../tasks/metadata-files.ts';
import type { StepInput } from './attempt-context.ts';
import { isThere } from './is-there.ts';

/** Phases of the runner in which no container has started yet, as its heartbeat names them. */
const BEFORE = /"phase":\s*"(preflight|layout|inputs)"/;

/** The full log of the first executor exists from the moment before its start. */
const FIRST_LOG = logFileOf({ executor: 0, stream: 'stdout' });

/** True also when it cannot be told: a command that may have run is never run again unasked. */
export const mayHaveBegun = async ({ deps, task, signal }: StepInput): Promise<boolean> => {
  const { job, inbox } = runOf(task);
  if (inbox.executing !== undefined) return true;
  try {
    const options = { signal, maxBytes: HEARTBEAT_MAX_BYTES };
    const heartbeat = await deps.transport.fetch(job, METADATA_FILES.heartbeat, options);
    const phase = heartbeat === undefined ? '' : Buffer.from(heartbeat).toString('utf8');
    if (phase !== '' && !BEFORE.test(phase)) return true;
    if (await isThere(deps.transport, job, FIRST_LOG, { signal })) return true;
    return phase === '' && inbox.started !== undefined; // it passed the gate, and nothing is left to look at
  } catch {
    signal.throwIfAborted();
    return true;
  }
};
