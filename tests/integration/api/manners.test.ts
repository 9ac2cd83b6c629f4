/** HTTP manners: compressed answers, limits of rates, life behind a reverse proxy. */
import { createHmac } from 'node:crypto';
import { request, type IncomingHttpHeaders } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { ApiDeps, HttpOptions } from '../../../src/api/app.ts';
import { parseOwnerId } from '../../../src/tasks/ids.ts';
import { accessWith } from '../../support/access.ts';
import { startStrippingProxy } from '../../support/stripping-proxy.ts';
import type { Harness } from './harness.ts';
import { listedIn, MINIMAL_TASK, startHarness } from './harness.ts';

const releases: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

const HTTP: HttpOptions = { trustProxy: [], publicUrl: '', rates: { reads: 0, writes: 0 } };

const start = async (
  http: Partial<HttpOptions> = {},
  change: Partial<ApiDeps> = {},
): Promise<Harness> => {
  const h = await startHarness(() => ({ http: { ...HTTP, ...http }, ...change }));
  releases.push(h.close);
  return h;
};

interface Plain {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** `fetch` undoes compression, so this test speaks HTTP. */
const ask = (url: string, headers: Record<string, string>): Promise<Plain> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.once('end', () => {
        const { statusCode: status = 0 } = response;
        resolve({ status, headers: response.headers, bytes: Buffer.concat(pieces) });
      });
    });
    sent.on('error', reject).end();
  });

const GZIP = { 'accept-encoding': 'gzip' };

describe('compression', () => {
  it('is for those who ask, and answers the same', async () => {
    const h = await start();
    for (let n = 0; n < 40; n += 1) await h.create({ ...MINIMAL_TASK, name: `task ${String(n)}` });
    for (const path of [
      '/v1/tasks',
      '/v1/tasks?view=FULL',
      '/openapi.json',
      '/docs/swagger-ui.css',
    ]) {
      const [plain, packed] = [await ask(h.root + path, {}), await ask(h.root + path, GZIP)];
      expect(plain.status).toBe(200);
      expect(plain.headers['content-encoding']).toBeUndefined();
      expect(packed.headers['content-encoding']).toBe('gzip');
      expect(packed.headers.vary).toContain('Accept-Encoding');
      expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 2);
      expect(gunzipSync(packed.bytes).equals(plain.bytes)).toBe(true);
    }
  });

  it('leaves tiny answers and errors as they are', async () => {
    const h = await start();
    const id = await h.create();
    for (const path of [`/v1/tasks/${id}`, '/v1/tasks/none', '/healthz']) {
      const { headers, bytes } = await ask(h.root + path, GZIP);
      expect(headers['content-encoding']).toBeUndefined();
      expect(JSON.parse(bytes.toString())).toBeTypeOf('object');
    }
  });
});

describe('T12: 405 names exactly what a path takes', () => {
  it.each(['/docs/page.js', '/docs/swagger-ui.css'])('%s', async (path) => {
    const answer = await (await start()).call(path, { method: 'POST' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('429', () => {
  it('is never answered by default (C17)', async () => {
    const h = await start();
    const id = await h.create();
    const answers = await Promise.all(Array.from({ length: 300 }, () => h.call(`tasks/${id}`)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('tells when to come again, and counts reads and writes apart', async () => {
    const h = await start({ rates: { reads: 3, writes: 2 } });
    const reads = [];
    for (let n = 0; n < 4; n += 1) reads.push(await h.call('tasks'));
    expect(reads.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(reads[3]?.json).toMatchObject({ code: 'RATE_LIMITED' });
    const seconds = Number(reads[3]?.headers.get('retry-after'));
    expect(seconds).toBeGreaterThanOrEqual(1);
    expect(seconds).toBeLessThanOrEqual(60);
    const writes = [];
    for (let n = 0; n < 3; n += 1) writes.push((await h.post(MINIMAL_TASK)).status);
    expect(writes).toEqual([200, 200, 429]);
    for (const path of ['/healthz', '/readyz']) expect((await h.call(path)).status).toBe(200);
  });

  it('is for each caller alone, wherever he calls from', async () => {
    const authenticate: ApiDeps['access']['authenticate'] = ({ authorization = '' }) =>
      Promise.resolve({
        owner: parseOwnerId(authorization),
        memberOf: [],
        groups: [],
        scope: { owner: parseOwnerId(authorization) },
        readOnly: false,
      });
    const access = { ...accessWith({}), authenticate };
    const h = await start({ rates: { reads: 1, writes: 0 } }, { access });
    const as = async (authorization: string) =>
      (await h.call('tasks', { headers: { authorization } })).status;
    expect([await as('ann'), await as('ann'), await as('bob')]).toEqual([200, 429, 200]);
  });
});

describe('behind a reverse proxy that strips a prefix', () => {
  const behind = async (http: Partial<HttpOptions>, change: Partial<ApiDeps> = {}) => {
    let root = '';
    const proxy = await startStrippingProxy({ target: () => root, prefix: '/our/tes' });
    releases.push(proxy.close);
    const h = await start({ publicUrl: proxy.url, ...http }, change);
    root = h.root;
    return { h, proxy };
  };

  it('serves links and a document that work from outside', async () => {
    const { proxy } = await behind({});
    const accept = { accept: 'application/json' };
    const index = (await (await fetch(`${proxy.url}/`, { headers: accept })).json()) as {
      tes: string;
      service_info: string;
      openapi: string;
    };
    expect(index.tes).toBe(`${proxy.url}/ga4gh/tes/v1`);
    for (const link of [index.service_info, index.openapi, `${index.tes}/tasks`]) {
      expect((await fetch(link)).status).toBe(200);
    }
    const document = (await (await fetch(index.openapi)).json()) as { servers: { url: string }[] };
    expect(new URL(document.servers[0]?.url ?? '', index.openapi).href).toBe(index.tes);
    const page = await (await fetch(`${proxy.url}/`, { headers: { accept: 'text/html' } })).text();
    for (const [, path] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect((await fetch(new URL(path ?? '', `${proxy.url}/`))).status).toBe(200);
    }
  });

  it('creates, lists and cancels, also without a configured address', async () => {
    const { h, proxy } = await behind({ publicUrl: '' });
    const created = await fetch(`${proxy.url}/v1/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(MINIMAL_TASK),
    });
    const { id } = (await created.json()) as { id: string };
    const cancelled = await fetch(`${proxy.url}/v1/tasks/${id}:cancel`, { method: 'POST' });
    expect(cancelled.status).toBe(200);
    expect(listedIn(await h.call('tasks')).tasks).toEqual([{ id, state: 'CANCELED' }]);
  });

  it('takes the beacons of jobs, whose signature does not know the prefix', async () => {
    const job = 'tes-00000000000000000000000000-1-1';
    const { proxy } = await behind({});
    const body = JSON.stringify({ v: 1, job, event: 'start' });
    const time = String(Math.floor(Date.now() / 1000));
    const key = `key of ${job}`;
    const digest = createHmac('sha256', key).update(`${time}.`).update(body).digest('hex');
    const answer = await fetch(`${proxy.url}/files/${job}/beacon`, {
      method: 'POST',
      headers: { 'x-magnetar-time': time, 'x-magnetar-signature': `sha256=${digest}` },
      body,
    });
    expect(answer.status).not.toBe(403);
    expect(answer.status).not.toBe(404);
  });

  it.each([
    { trustProxy: ['127.0.0.1'], caller: '203.0.113.9' },
    { trustProxy: [], caller: '127.0.0.1' },
  ])('trusting $trustProxy, knows the caller as $caller', async ({ trustProxy, caller }) => {
    const { h, proxy } = await behind({ trustProxy });
    const headers = { 'x-forwarded-for': '203.0.113.9', 'content-type': 'application/json' };
    const body = JSON.stringify(MINIMAL_TASK);
    await fetch(`${proxy.url}/v1/tasks`, { method: 'POST', headers, body });
    const [line] = h.logs.filter(({ fields }) => fields['event'] === 'task.create');
    expect(line?.fields['from']).toBe(caller);
  });

  it('believes no forwarded address that a caller invents before an untrusted one', async () => {
    const { proxy } = await behind({ trustProxy: ['127.0.0.1'], rates: { reads: 1, writes: 0 } });
    const as = async (from: string) =>
      (await fetch(`${proxy.url}/v1/tasks`, { headers: { 'x-forwarded-for': from } })).status;
    expect(await as('198.51.100.1, 203.0.113.9')).toBe(200);
    expect(await as('198.51.100.2, 203.0.113.9')).toBe(429);
    expect(await as('198.51.100.2, 203.0.113.10')).toBe(200);
  });
});
