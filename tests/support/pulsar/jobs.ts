/** Small jobs for tests of transports: ids, files and scripts that write a report. */
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

export interface Flag {
  readonly path: string;
  raise(): void;
  remove(): void;
}

/** A file outside of the job by which a test lets a waiting job go on. */
export const newFlag = (): Flag => {
  const path = join(tmpdir(), `magnetar-flag-${ids.next()}`);
  return {
    path,
    raise: () => writeFileSync(path, ''),
    remove: () => rmSync(path, { force: true }),
  };
};

/** run.sh that goes on until the flag is raised, 60 s at most. */
export const waitingScript = (flag: Flag): JobFile =>
  script(`for n in $(seq 600); do [ -e ${flag.path} ] && break; sleep 0.1; done`);

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
