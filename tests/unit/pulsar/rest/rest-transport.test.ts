import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { isMagnetarError, MagnetarError, type ErrorCode } from '../../../../src/kernel/errors.ts';
import { createRestTransport } from '../../../../src/pulsar/rest/rest-transport.ts';
import type { JobTransport } from '../../../../src/tasks/ports/job-transport.ts';
import {
  startFakePulsar,
  type FakePulsar,
  type Reply,
  type Seen,
} from '../../../support/pulsar/fake-pulsar.ts';
import { until } from '../../../support/until.ts';
import { REPORT, anyJob, anySignal, fileOf } from '../../../support/pulsar/jobs.ts';

const TOKEN = 'geheim';
let fake: FakePulsar | undefined;
let transport: JobTransport | undefined;

afterEach(async () => {
  await transport?.close();
  await fake?.close();
  fake = undefined;
  transport = undefined;
});

const start = async (
  script: (request: Seen, n: number) => Reply | Promise<Reply>,
  extra: { readonly manager?: string; readonly timeoutMs?: number } = {},
): Promise<JobTransport> => {
  fake = await startFakePulsar(script);
  transport = createRestTransport({
    url: fake.url,
    privateToken: TOKEN,
    reportName: REPORT,
    ...extra,
  });
  return transport;
};

const call = () => ({ signal: anySignal() });
const bounded = (maxBytes: number) => ({ signal: anySignal(), maxBytes });

const expectCode = async (work: Promise<unknown>, code: ErrorCode, text = ''): Promise<void> => {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(isMagnetarError(error) ? error.code : error).toBe(code);
  expect(String(error)).toContain(text);
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(TOKEN);
};

const json = (value: unknown): Reply => ({ body: JSON.stringify(value) });
const HEALTHY = json({ version: '0.16.0' });
const isHealth = (request: Seen): boolean => request.path.endsWith('/healthz');

describe('errors of a call', () => {
  it.each<[string, Reply, ErrorCode]>([
    ['a hang-up', 'hang up', 'PULSAR_UNREACHABLE'],
    ['a 500', { status: 500, body: `page with ${TOKEN}` }, 'PULSAR_REFUSED'],
    ['a 401', { status: 401 }, 'PULSAR_UNAUTHORIZED'],
    ['a 404', { status: 404 }, 'PULSAR_REFUSED'],
    ['a redirect', { status: 302 }, 'PULSAR_REFUSED'],
    ['a 502 of a proxy', { status: 502 }, 'PULSAR_UNREACHABLE'],
    ['a 503 of a proxy', { status: 503 }, 'PULSAR_UNREACHABLE'],
    ['an answer that is no JSON', { body: '<html>' }, 'PULSAR_REFUSED'],
    ['an answer that is no object', { body: '[]' }, 'PULSAR_REFUSED'],
  ])('%s of status', async (_, reply, code) => {
    await expectCode((await start(() => reply)).status(anyJob(), call()), code);
  });

  it('a silent Pulsar is unreachable after the limit', async () => {
    const silent = await start(() => 'never', { timeoutMs: 50 });
    await expectCode(silent.status(anyJob(), call()), 'PULSAR_UNREACHABLE', 'no answer in time');
  });

  it('a web server that is no Pulsar is refused', async () => {
    const other = await start(() => ({ body: 'It works!' }));
    await expectCode(other.probe(call()), 'PULSAR_REFUSED', 'is not a Pulsar');
    await expectCode(other.submit(anyJob(), [], call()), 'PULSAR_REFUSED', 'is not a Pulsar');
  });

  it('a call after close is called off', async () => {
    const closed = await start(() => HEALTHY);
    await closed.close();
    await expectCode(closed.probe(call()), 'ABORTED');
  });

  it.each(['ftp://x', 'x', 'http://u:p@x', 'http://x?a=b', 'http://x#y', ''])(
    'the URL %j is refused without being shown',
    (url) => {
      const create = () => createRestTransport({ url, reportName: REPORT });
      expect(create).toThrow('the URL of a Pulsar must be');
    },
  );
});

describe('what is sent', () => {
  it('names the manager and escapes every parameter', async () => {
    const job = anyJob();
    const pulsar = await start(({ path }) => (path.endsWith('jobs') ? json({ job_id: job }) : {}), {
      manager: 'big one',
    });
    await pulsar.submit(job, [fileOf('run.sh', 'x'), fileOf('a/plan.json', 'yy')], call());
    const seen = fake?.seen ?? [];
    expect(seen.map((one) => `${one.method} ${one.path}`)).toEqual([
      'POST /managers/big%20one/jobs',
      `POST /managers/big%20one/jobs/${job}/files`,
      `POST /managers/big%20one/jobs/${job}/files`,
      `POST /managers/big%20one/jobs/${job}/submit`,
    ]);
    expect(seen.every((one) => one.query.get('private_token') === TOKEN)).toBe(true);
    expect(seen.map((one) => one.headers['content-length']).sort()).toEqual(['0', '0', '1', '2']);
    expect(Object.fromEntries(seen.at(-1)?.query ?? [])).toEqual({
      command_line: '/bin/bash ../inputs/run.sh',
      dynamic_file_sources: JSON.stringify([
        { type: 'galaxy', path: '../metadata/tes/report.json' },
        { type: 'galaxy', path: '../stderr' },
      ]),
      private_token: TOKEN,
    });
  });

  it('keeps the URL path of a Pulsar behind a proxy', async () => {
    const pulsar = await start(() => HEALTHY);
    const below = createRestTransport({
      url: `${fake?.url ?? ''}/site/pulsar/`,
      reportName: REPORT,
    });
    await below.probe(call());
    expect(fake?.seen[0]?.path).toBe('/site/pulsar/healthz');
    expect(fake?.seen[0]?.query.has('private_token')).toBe(false);
    await below.close();
    await pulsar.close();
  });

  it('lets few calls be under way at once', async () => {
    const slow = await start(
      () =>
        new Promise((resolve) =>
          setTimeout(() => resolve(json({ complete: 'false', status: 'running' })), 5),
        ),
    );
    const polls = Array.from({ length: 30 }, () => slow.status(anyJob(), call()));
    const fetches = Array.from({ length: 30 }, () => slow.fetch(anyJob(), REPORT, bounded(1000)));
    await Promise.all([...polls, ...fetches]);
    expect(fake?.peak()).toBe(4);
  });

  it('gives an answer its time although idle connections are dropped early', async () => {
    const slow = await start(
      () => new Promise((resolve) => setTimeout(() => resolve(HEALTHY), 1300)),
    );
    await slow.probe(call());
    expect(await slow.probe(call())).toEqual({ version: '0.16.0' });
  });
});

describe('submit', () => {
  const answers =
    (job: string, submit: Reply, status: Reply) =>
    ({ path, method }: Seen): Reply => {
      if (path.endsWith('/submit')) return submit;
      if (path.endsWith('/status')) return status;
      return method === 'POST' ? json({ job_id: job }) : {};
    };
  const statusIs = (status: string, more: object = {}): Reply =>
    json({ complete: 'false', status, ...more });

  it.each(['queued', 'running', 'postprocessing', 'complete', 'cancelled'])(
    'without a clear answer has happened when Pulsar says %s',
    async (word) => {
      const job = anyJob();
      const pulsar = await start(answers(job, 'hang up', statusIs(word)));
      await pulsar.submit(job, [], call());
      expect(fake?.seen.filter((one) => one.path.endsWith('/submit'))).toHaveLength(1);
    },
  );

  it.each<[Reply, string, ErrorCode]>([
    ['hang up', 'preprocessing', 'PULSAR_UNREACHABLE'],
    ['hang up', 'lost', 'PULSAR_UNREACHABLE'],
    [{ status: 500 }, 'preprocessing', 'PULSAR_REFUSED'],
    [{ status: 500 }, 'lost', 'PULSAR_REFUSED'],
    [{ status: 500 }, 'failed', 'PULSAR_REFUSED'],
  ])('answered %j with status %s is %s', async (reply, word, code) => {
    const job = anyJob();
    const pulsar = await start(answers(job, reply, statusIs(word)));
    await expectCode(pulsar.submit(job, [], call()), code);
  });

  it('tells why Pulsar could not start the job', async () => {
    const job = anyJob();
    const sources = [{ path: '../stderr', contents: 'disk full\n' }];
    const failed = statusIs('failed', { complete: 'true', realized_dynamic_file_sources: sources });
    const pulsar = await start(answers(job, { status: 500 }, failed));
    await expectCode(pulsar.submit(job, [], call()), 'PULSAR_REFUSED', 'disk full');
  });

  it('refuses a Pulsar that gives jobs its own ids, before anything runs', async () => {
    const pulsar = await start(() => json({ job_id: 'c0ffee' }));
    const work = pulsar.submit(anyJob(), [fileOf('run.sh', '')], call());
    await expectCode(work, 'PULSAR_REFUSED', 'assign_ids');
    expect(fake?.seen).toHaveLength(1);
  });

  it('calls the other uploads off when one fails', async () => {
    const job = anyJob();
    const pulsar = await start(({ path, query }) => {
      if (path.endsWith('/jobs')) return json({ job_id: job });
      return query.get('name') === 'bad' ? { status: 500 } : 'never';
    });
    const files = ['slow', 'bad', 'next'].map((name) => fileOf(name, 'x'));
    await expectCode(pulsar.submit(job, files, call()), 'PULSAR_REFUSED', 'upload');
    expect(fake?.seen.some((one) => one.path.endsWith('/submit'))).toBe(false);
  });
});

describe('fetch', () => {
  it.each<[string, Reply, Reply, ErrorCode]>([
    ['a 500 while Pulsar is ill', { status: 500 }, { status: 500 }, 'PULSAR_REFUSED'],
    ['a hang-up while Pulsar is ill', 'hang up', 'hang up', 'PULSAR_UNREACHABLE'],
    ['a 404', { status: 404 }, HEALTHY, 'PULSAR_REFUSED'],
    ['a 503', { status: 503 }, HEALTHY, 'PULSAR_UNREACHABLE'],
  ])('%s is no missing file', async (_, file, health, code) => {
    const pulsar = await start((request) => (isHealth(request) ? health : file));
    await expectCode(pulsar.fetch(anyJob(), REPORT, bounded(1000)), code);
  });

  it('asks once more after a hang-up of a healthy Pulsar', async () => {
    const pulsar = await start((request, n) => {
      if (isHealth(request)) return HEALTHY;
      return n === 1 ? 'hang up' : { body: 'here' };
    });
    const bytes = await pulsar.fetch(anyJob(), REPORT, bounded(1000));
    expect(Buffer.from(bytes ?? '').toString()).toBe('here');
  });

  it('takes a file that hangs up every time for missing', async () => {
    const pulsar = await start((request) => (isHealth(request) ? HEALTHY : 'hang up'));
    expect(await pulsar.fetch(anyJob(), REPORT, bounded(1000))).toBeUndefined();
  });

  it.each([10, 100_000])('refuses more than %i bytes', async (limit) => {
    const pulsar = await start(() => ({ body: 'x'.repeat(limit + 1) }));
    await expectCode(pulsar.fetch(anyJob(), REPORT, bounded(limit)), 'PULSAR_REFUSED', 'larger');
  });

  it('does not mistake the page of a 500 for a file over the limit', async () => {
    const page: Reply = { status: 500, body: 'x'.repeat(141) };
    const pulsar = await start((request) => (isHealth(request) ? HEALTHY : page));
    expect(await pulsar.fetch(anyJob(), REPORT, bounded(10))).toBeUndefined();
  });
});

describe('download', () => {
  const nothing = (): Promise<void> => Promise.resolve();
  const textOf = async (bytes: AsyncIterable<Uint8Array>): Promise<string> => {
    let text = '';
    for await (const piece of bytes) text += Buffer.from(piece).toString();
    return text;
  };

  it('a transfer that breaks off is unreachable, after the pieces that came', async () => {
    const pulsar = await start(() => ({ body: 'begin', then: 'break' }));
    let got = '';
    const work = pulsar.download(
      anyJob(),
      'tes/0.stdout',
      async (bytes) => {
        for await (const piece of bytes) got += Buffer.from(piece).toString();
      },
      bounded(100),
    );
    await expectCode(work, 'PULSAR_UNREACHABLE', 'broke off');
    expect(got).toBe('begin');
  });

  it('a transfer that stands still is given up after the limit', async () => {
    const pulsar = await start(() => ({ body: 'begin', then: 'stall' }), { timeoutMs: 20 });
    const work = pulsar.download(anyJob(), 'a', (bytes) => textOf(bytes).then(nothing), bounded(9));
    await expectCode(work, 'PULSAR_UNREACHABLE', 'no answer in time');
  });

  it('throws what the receiver throws, and leaves the lane free', async () => {
    const pulsar = await start(() => ({ body: 'text' }));
    const full = new Error('disk full');
    for (let n = 0; n < 5; n += 1) {
      const work = pulsar.download(anyJob(), 'a', () => Promise.reject(full), bounded(9));
      await expect(work).rejects.toBe(full);
    }
    const text = await pulsar.fetch(anyJob(), 'a', bounded(9));
    expect(Buffer.from(text ?? '').toString()).toBe('text');
  });

  it('does not call the receiver for a missing file', async () => {
    const pulsar = await start((request) => (isHealth(request) ? HEALTHY : { status: 500 }));
    const never = () => Promise.reject(new Error('called'));
    expect(await pulsar.download(anyJob(), 'a', never, bounded(9))).toBe(false);
  });

  it.each<[string, Reply]>([
    ['whole', { status: 500, body: 'x'.repeat(100_000) }],
    ['unfinished', { status: 500, body: 'x', then: 'stall' }],
  ])('keeps no connection for an error, its page %s', async (_, reply) => {
    const pulsar = await start((request) => (isHealth(request) ? HEALTHY : reply));
    for (let n = 0; n < 10; n += 1) {
      const never = () => Promise.reject(new Error('called'));
      expect(await pulsar.download(anyJob(), 'a', never, bounded(9))).toBe(false);
    }
    // One may be kept for the next call; idle ones go after a second.
    await until(async () => (await fake?.open()) === 0, { what: 'end of the connections' });
  });

  it.each<[string, ErrorCode]>([
    ['is too large', 'PULSAR_REFUSED'],
    ['has no taker', 'INTERNAL'],
  ])('keeps no connection for a file that %s', async (what, code) => {
    const pulsar = await start(() => ({ body: 'x'.repeat(100_000), then: 'stall' }));
    const take = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
      if (what === 'has no taker') throw new MagnetarError('INTERNAL', 'disk full');
      await textOf(bytes);
    };
    for (let n = 0; n < 5; n += 1) {
      await expectCode(pulsar.download(anyJob(), 'a', take, bounded(9)), code);
    }
    await until(async () => (await fake?.open()) === 0, { what: 'end of the connections' });
  });
});
