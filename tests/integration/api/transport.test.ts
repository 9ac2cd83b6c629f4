/** T1-T12 and the transport half of C1-C17: paths, methods, headers, limits, stopping. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodyOf, MINIMAL_TASK, startHarness, type Harness } from './harness.ts';
import { SERVICE } from './listening-api.ts';

let h: Harness;
beforeAll(async () => {
  h = await startHarness();
});
afterAll(() => h.close());

const deferred = <Value>() => {
  let settle: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((resolve) => {
    settle = resolve;
  });
  return { promise, resolve: (value: Value) => settle(value) };
};

const PREFIXES = ['/ga4gh/tes/v1', '/v1', ''];

describe('service-info', () => {
  it('T1, T2, T3, T8: answers the schema with the type of TES 1.1', async () => {
    const answer = await h.call('service-info');
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      id: SERVICE.id,
      name: SERVICE.name,
      version: SERVICE.version,
      organization: SERVICE.organization,
      type: { group: 'org.ga4gh', artifact: 'tes', version: '1.1.0' },
    });
    expect(Object.keys(bodyOf(answer)).sort()).toEqual(
      [
        ...['createdAt', 'description', 'id', 'name', 'organization', 'storage'],
        ...['tesResources_backend_parameters', 'type', 'updatedAt', 'version'],
      ].sort(),
    );
  });

  it('T4, T5, C14: every URL is absolute and storage lists the allowed roots', async () => {
    const info = (await h.call('service-info')).json as {
      storage: string[];
      organization: { url: string };
    };
    expect(info.storage).toEqual([`file://${h.data}`]);
    expect(info.organization.url).toContain('://');
  });

  it('T6: does not change between two calls', async () => {
    const [one, two] = [await h.call('service-info'), await h.call('service-info')];
    expect(one.text).toBe(two.text);
  });

  it('T7, C16: ignores credentials while access control is off', async () => {
    const answer = await h.call('service-info', {
      headers: { authorization: 'Basic Tm9uZTpOb25l' },
    });
    expect(answer.status).toBe(200);
  });

  it.each(PREFIXES)('C3: the older form under %s/tasks/service-info', async (prefix) => {
    const answer = await h.call(`${prefix}/tasks/service-info`);
    expect(answer.json).toEqual({
      name: SERVICE.name,
      doc: SERVICE.description,
      storage: [`file://${h.data}`],
    });
  });
});

describe('paths and methods', () => {
  it('T9, C1: the five operations are the same under the three prefixes', async () => {
    const id = await h.create({ ...MINIMAL_TASK, name: 'prefixes' });
    for (const path of ['/service-info', `/tasks/${id}?view=FULL`, '/tasks?name_prefix=prefixes']) {
      const texts = await Promise.all(
        PREFIXES.map(async (prefix) => (await h.call(prefix + path)).text),
      );
      expect(new Set(texts).size).toBe(1);
    }
    for (const prefix of PREFIXES) {
      expect((await h.post(MINIMAL_TASK, `${prefix}/tasks`)).status).toBe(200);
      expect((await h.call(`${prefix}/tasks/${id}:cancel`, { method: 'POST' })).json).toEqual({});
    }
  });

  it('T10: an unknown task is 404 JSON also for a browser', async () => {
    const answer = await h.call('/tasks/none', { headers: { accept: 'text/html' } });
    expect(answer.status).toBe(404);
    expect(answer.json).toMatchObject({ code: 'TASK_UNKNOWN' });
  });

  it.each([
    ['POST', '/ga4gh/tes/v1/ga4gh/tes/v1/tasks'],
    ['POST', '/ga4gh/tes/v1/v1/tasks'],
    ['GET', '/ga4gh/tes/v1/ga4gh/tes/v1/service-info'],
    ['GET', '/ga4gh/tes/v1/'],
    ['GET', '/v1'],
    ['PUT', '/v1/nothing'],
    ['GET', '/nothing.html'],
    ['GET', '/ga4gh/tes/v1/tasks/a/b'],
    ['GET', '/docs/package.json'],
    ['GET', '/docs/%2e%2e/package.json'],
    ['GET', '/tasks/%zz'],
  ])('T12, C2: %s %s is 404 JSON', async (method, path) => {
    const body =
      method === 'POST' ? { body: '{}', headers: { 'content-type': 'application/json' } } : {};
    expect((await h.call(path, { method, ...body })).status).toBe(404);
  });

  it.each([
    ['DELETE', 'tasks', 'GET, HEAD, POST'],
    ['PUT', 'tasks', 'GET, HEAD, POST'],
    ['OPTIONS', 'tasks', 'GET, HEAD, POST'],
    ['POST', 'service-info', 'GET, HEAD'],
    ['DELETE', 'tasks/00000000000000000000000000', 'GET, HEAD'],
    ['POST', 'tasks/00000000000000000000000000', 'GET, HEAD'],
    ['GET', 'tasks/00000000000000000000000000:cancel', 'POST'],
    ['POST', '/', 'GET, HEAD'],
    ['POST', '/openapi.json', 'GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['GET', '/files/tes-00000000000000000000000000-1-1/beacon', 'POST'],
  ])('T12: %s %s is 405 with Allow: %s', async (method, path, allow) => {
    const answer = await h.call(path, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe(allow);
  });

  it('HEAD answers like GET without a body', async () => {
    const answer = await h.call('tasks', { method: 'HEAD' });
    expect([answer.status, answer.text]).toEqual([200, '']);
  });

  it('C5: a GET may carry a content type', async () => {
    const headers = { 'content-type': 'application/json' };
    expect((await h.call('tasks', { headers })).status).toBe(200);
  });
});

describe('headers', () => {
  it('takes a sane X-Request-Id, replaces another, and shows it in errors', async () => {
    const given = await h.call('tasks/x', { headers: { 'x-request-id': 'abc-1.2_3' } });
    expect(given.headers.get('x-request-id')).toBe('abc-1.2_3');
    expect(given.json).toMatchObject({ request_id: 'abc-1.2_3' });
    const odd = await h.call('tasks/x', { headers: { 'x-request-id': '"><script>' } });
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is not cached, sniffed, framed or signed by Express', async () => {
    const { headers } = await h.call('tasks');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; frame-ancestors 'none'",
    );
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

/** `fetch` sets Host itself, so this test speaks HTTP. */
const statusWithHeaders = (
  method: string,
  path: string,
  headers: Record<string, string>,
): Promise<number> =>
  new Promise((resolve, reject) => {
    const sent = request(h.root + path, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end(method === 'POST' ? '{}' : undefined);
  });

describe('Host and Origin (DESIGN section 9)', () => {
  const id = '00000000000000000000000000';
  const paths: [string, string][] = [
    ['GET', '/tasks'],
    ['GET', `/tasks/${id}`],
    ['POST', `/tasks/${id}:cancel`],
    ['POST', '/tasks'],
    ['GET', '/'],
    ['GET', '/service-info'],
  ];

  it.each(paths)('%s %s refuses foreign Host names', async (method, path) => {
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80']) {
      expect(await statusWithHeaders(method, path, { host })).toBe(403);
    }
  });

  it.each(paths)('%s %s refuses foreign origins', async (method, path) => {
    const { host } = new URL(h.root);
    for (const origin of [
      'http://evil.example',
      'null',
      'http://127.0.0.1:1',
      `http://${host}.evil`,
    ]) {
      expect(await statusWithHeaders(method, path, { origin })).toBe(403);
    }
  });

  it('answers the names of this machine and its own page', async () => {
    for (const host of ['localhost', 'LOCALHOST:8000', '127.0.0.1', '127.9.9.9:1', '[::1]:8000']) {
      expect(await statusWithHeaders('GET', '/tasks', { host })).toBe(200);
      expect(await statusWithHeaders('GET', '/tasks', { host, origin: `http://${host}` })).toBe(
        200,
      );
    }
  });

  it('answers configured names, and health to anybody', async () => {
    const other = await startHarness(() => ({
      security: { allowedHosts: ['tes.example.org'], allowedOrigins: [] },
    }));
    try {
      const ask = (host: string, path: string) =>
        new Promise<number>((resolve) => {
          request(other.root + path, { headers: { host } }, (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          }).end();
        });
      expect(await ask('tes.example.org:443', '/tasks')).toBe(200);
      expect(await ask('other.example.org', '/tasks')).toBe(403);
      expect(await ask('10.0.0.7:8000', '/healthz')).toBe(200);
    } finally {
      await other.close();
    }
  });

  it('T11: an allowed origin gets CORS headers, another none', async () => {
    const origin = 'https://portal.example.org';
    const other = await startHarness(() => ({
      security: { allowedHosts: [], allowedOrigins: [origin] },
    }));
    try {
      const preflight = { 'access-control-request-method': 'POST' };
      const good = await other.call('tasks', {
        method: 'OPTIONS',
        headers: { origin, ...preflight },
      });
      expect(good.status).toBe(204);
      expect(good.headers.get('access-control-allow-origin')).toBe(origin);
      expect(good.headers.get('access-control-allow-methods')).toContain('POST');
      const read = await other.call('tasks', { headers: { origin } });
      expect(read.headers.get('access-control-allow-origin')).toBe(origin);
      const bad = await other.call('tasks', {
        method: 'OPTIONS',
        headers: { origin: 'https://evil.example', ...preflight },
      });
      expect(bad.status).toBe(403);
      expect(bad.headers.get('access-control-allow-origin')).toBeNull();
    } finally {
      await other.close();
    }
  });
});

describe('pages for people', () => {
  it('serves Swagger UI without foreign hosts under a strict policy', async () => {
    const page = await h.call('/', { headers: { accept: 'text/html,*/*' } });
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.text).not.toMatch(/https?:\/\//);
    expect(page.text).not.toMatch(/<script>|<style|style=/);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe');
    for (const [, path] of page.text.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect((await h.call(`/${path ?? ''}`)).status).toBe(200);
    }
  });

  it('serves the bundled document without remote references', async () => {
    const answer = await h.call('/openapi.json');
    const document = answer.json as { paths: object };
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/service-info', '/tasks', '/tasks/{id}', '/tasks/{id}:cancel']),
    );
    for (const [, target] of answer.text.matchAll(/"\$ref": "([^"]+)"/g))
      expect(target).toMatch(/^#/);
  });

  it('answers a JSON index to programs', async () => {
    const answer = await h.call('/', { headers: { accept: 'application/json' } });
    expect(answer.json).toMatchObject({ tes: '/ga4gh/tes/v1', openapi: '/openapi.json' });
  });
});

describe('health and stopping', () => {
  it('is alive and ready', async () => {
    expect((await h.call('/healthz')).status).toBe(200);
    expect((await h.call('/readyz')).status).toBe(200);
  });

  it('says why it is not ready', async () => {
    const ready = () => Promise.resolve({ ok: false, reason: 'no destination answers' });
    const other = await startHarness(() => ({ health: { ready } }));
    try {
      const answer = await other.call('/readyz');
      expect(answer.status).toBe(503);
      expect(answer.json).toMatchObject({ code: 'NOT_READY', message: 'no destination answers' });
    } finally {
      await other.close();
    }
  });

  it('answers 503 and closes connections while draining, but stays alive', async () => {
    const other = await startHarness();
    try {
      other.api.drain();
      for (const path of ['tasks', '/readyz', '/']) {
        const answer = await other.call(path);
        expect(answer.status).toBe(503);
        expect(answer.headers.get('connection')).toBe('close');
        expect(answer.json).toMatchObject({ code: 'STOPPING' });
      }
      expect((await other.call('/healthz')).status).toBe(200);
    } finally {
      await other.close();
    }
  });

  it('shows nothing of a fault but its request id, and logs the rest', async () => {
    const other = await startHarness((deps) => ({
      store: { ...deps.store, summary: () => Promise.reject(new Error('secret detail')) },
    }));
    try {
      const answer = await other.call('tasks/00000000000000000000000000');
      expect(answer.status).toBe(500);
      expect(answer.text).not.toContain('secret');
      expect(other.logs.filter(({ level }) => level === 'error')).toHaveLength(1);
    } finally {
      await other.close();
    }
  });

  it('aborts the port call when the client leaves', async () => {
    const left = deferred<unknown>();
    const asked = deferred<undefined>();
    const other = await startHarness((deps) => ({
      store: {
        ...deps.store,
        listSummaries: (_request, { signal }) => {
          asked.resolve(undefined);
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              left.resolve(signal.reason);
              reject(signal.reason as Error);
            });
          });
        },
      },
    }));
    try {
      const controller = new AbortController();
      const sent = fetch(`${other.root}/tasks`, { signal: controller.signal }).catch(
        () => undefined,
      );
      await asked.promise;
      controller.abort();
      await sent;
      expect(await left.promise).toMatchObject({ code: 'ABORTED' });
    } finally {
      await other.close();
    }
  });
});
