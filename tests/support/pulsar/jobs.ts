/** Small jobs for tests of transports: ids, files and scripts that write a report. */
import { createIdSource } from '../../../src/kernel/ids.ts';
import { newJobId, newTaskId, type JobId } from '../../../src/tasks/ids.ts';
import type { JobFile, JobStatus, JobTransport } from '../../../src/tasks/ports/job-transport.ts';
import { until } from '../until.ts';

const ids = createIdSource(() => Date.now());

export const REPORT = 'tes/report.json';

/** An id that no other test uses. */
export const anyJob = (): JobId => newJobId(newTaskId(ids), 1, 1);

export const fileOf = (name: string, content: string | Uint8Array): JobFile => ({
  name,
  bytes: typeof content === 'string' ? Buffer.from(content) : content,
});

/** Ends a job that was cancelled at its start (Pulsar says so, and starts it all the same); nothing of its own output reaches Pulsar. */
const HEAD = [
  'exec </dev/null >/dev/null 2>&1',
  '[ -e ../cancelled ] && exit 143',
  'mkdir -p ../metadata/tes',
  'echo $$ > ../metadata/tes/pid',
];

const TAIL = [
  `printf '{"ran":%s}' "$(wc -l < ../metadata/tes/runs)" > ../metadata/tes/new`,
  'mv ../metadata/tes/new ../metadata/tes/report.json',
];

/** run.sh with these lines between a sound start and a report that counts how often it ran. */
export const script = (...lines: readonly string[]): JobFile =>
  fileOf(
    'run.sh',
    [...HEAD, 'echo run >> ../metadata/tes/runs', ...lines, ...TAIL].join('\n') + '\n',
  );

/** run.sh that goes on until a file `go` lies in its inputs, 60 s at most. */
export const waitingScript = (): JobFile =>
  script('for n in $(seq 600); do [ -e ../inputs/go ] && break; sleep 0.1; done');

export const anySignal = (): AbortSignal => AbortSignal.timeout(60_000);

/** Polls until Pulsar calls the job over. */
export const finalStatus = (transport: JobTransport, job: JobId): Promise<JobStatus> =>
  until(
    async () => {
      const status = await transport.status(job, { signal: anySignal() });
      return status.final && status;
    },
    { timeoutMs: 30_000, what: `end of ${job}` },
  );

/** Waits for a file below `metadata/` and answers its text. */
export const fileText = (transport: JobTransport, job: JobId, name: string): Promise<string> =>
  until(
    async () => {
      const bytes = await transport.fetch(job, name, { signal: anySignal(), maxBytes: 100_000 });
      return bytes !== undefined && bytes.length > 0 && Buffer.from(bytes).toString('utf8');
    },
    { timeoutMs: 30_000, everyMs: 25, what: `${name} of ${job}` },
  );

/** The process of a `script`, once it runs. */
export const jobPid = async (transport: JobTransport, job: JobId): Promise<number> =>
  Number(await fileText(transport, job, 'tes/pid'));
