/** A Pulsar that says what a test wants, and notes what it is asked. Real ones are held to tests/contract. */
import { addAbortSignal } from 'node:stream';
import { MagnetarError } from '../../../src/kernel/errors.ts';
import type { JobId } from '../../../src/tasks/ids.ts';
import type { JobStatus, JobTransport } from '../../../src/tasks/ports/job-transport.ts';

type Method =
  'submit' | 'status' | 'download' | 'upload' | 'collect' | 'askToStop' | 'kill' | 'clean';

export interface FakeTransport extends JobTransport {
  /** What Pulsar says of each job; `lost` of any other. */
  readonly jobs: Map<string, JobStatus>;
  /** Files below `metadata/`, as `<job>/<name>`. */
  readonly files: Map<string, string>;
  /** Files that were laid into `inputs/`, named the same way. */
  readonly inputs: Map<string, string>;
  /** Files below `outputs/`. */
  readonly outputs: Map<string, string>;
  /** Methods that fail, with what. */
  readonly failing: Map<Method, MagnetarError>;
  /** Each call that may change something, as `<method> <job>`. */
  readonly changes: string[];
  /** Called while a submit is under way. */
  onSubmit: () => Promise<void>;
}

export const unreachable = new MagnetarError('PULSAR_UNREACHABLE', 'away');
export const refused = new MagnetarError('PULSAR_REFUSED', 'no');

async function* piecesOf(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}

export const createFakeTransport = (): FakeTransport => {
  const change = (method: Method, job: JobId): void => {
    fake.changes.push(`${method} ${job}`);
    assertWell(method);
  };
  const assertWell = (method: Method): void => {
    const error = fake.failing.get(method);
    if (error !== undefined) throw error;
  };
  const fake: FakeTransport = {
    jobs: new Map(),
    files: new Map(),
    inputs: new Map(),
    outputs: new Map(),
    failing: new Map(),
    changes: [],
    onSubmit: () => Promise.resolve(),
    async submit(job) {
      await fake.onSubmit();
      change('submit', job);
      fake.jobs.set(job, { status: 'running', final: false });
    },
    async status(job) {
      await Promise.resolve();
      assertWell('status');
      return fake.jobs.get(job) ?? { status: 'lost', final: true };
    },
    async fetch(job, name) {
      await Promise.resolve();
      assertWell('download');
      const text = fake.files.get(`${job}/${name}`);
      return text === undefined ? undefined : Buffer.from(text);
    },
    async download(job, name, take) {
      await Promise.resolve();
      assertWell('download');
      const text = fake.files.get(`${job}/${name}`);
      if (text !== undefined) await take(piecesOf(text));
      return text !== undefined;
    },
    async upload(job, name, open, { signal }) {
      await Promise.resolve();
      change('upload', job);
      fake.jobs.set(job, { status: 'preprocessing', final: false });
      const pieces: Buffer[] = [];
      const body = addAbortSignal(signal, (await open()).body);
      for await (const piece of body) pieces.push(piece as Buffer);
      fake.inputs.set(`${job}/${name}`, Buffer.concat(pieces).toString());
    },
    async collect(job, name, take) {
      await Promise.resolve();
      assertWell('collect');
      const text = fake.outputs.get(`${job}/${name}`);
      if (text !== undefined) await take(piecesOf(text));
      return text !== undefined;
    },
    async askToStop(job) {
      await Promise.resolve();
      change('askToStop', job);
    },
    async kill(job) {
      await Promise.resolve();
      change('kill', job);
    },
    async clean(job) {
      await Promise.resolve();
      change('clean', job);
      fake.jobs.delete(job);
    },
    probe: () => Promise.resolve({ version: '0' }),
    close: () => Promise.resolve(),
  };
  return fake;
};
