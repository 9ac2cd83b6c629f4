/** The documents that are served: every route is in one of them, and what they say of answers holds. */
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHarness, type Harness } from './harness.ts';

interface Document {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const FILE = new URL('../../../openapi/ext.bundled.json', import.meta.url);

let h: Harness;
let ext: Document;
beforeAll(async () => {
  h = await startHarness();
  ext = (await h.call('/ext/v1/openapi.json')).json as Document;
});
afterAll(() => h.close());

interface Layer {
  readonly route?: { readonly path: string | readonly string[]; readonly methods: object };
  readonly handle: { readonly stack?: readonly Layer[] };
}

/** Methods and paths of all routers, as documents write them. */
const routesOf = (layers: readonly Layer[]): readonly string[] =>
  layers.flatMap(({ route, handle }) =>
    route === undefined
      ? routesOf(handle.stack ?? [])
      : [route.path].flat().flatMap((path) =>
          Object.keys(route.methods)
            .filter((method) => method !== '_all')
            .map((method) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`),
        ),
  );

const documented = ({ paths }: Document): readonly string[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );

describe('/ext/v1/openapi.json', () => {
  it('is the document of the source, with a version of its own', () => {
    expect(ext).toEqual(JSON.parse(readFileSync(FILE, 'utf8')));
    expect(ext.openapi).toMatch(/^3\.0/);
    expect(ext.info.version).toMatch(/^1\./);
  });

  it('names each route of /ext and of health, and no other', () => {
    const stack = (h.api.app as unknown as { router: { stack: readonly Layer[] } }).router.stack;
    const served = routesOf(stack).filter((route) => /^\w+ \/(ext\/|healthz|readyz)/.test(route));
    expect([...new Set(served)].sort()).toEqual([...documented(ext)].sort());
  });

  it('has paths that lie where it says', async () => {
    const base = new URL(ext.servers[0]?.url ?? '', `${h.root}/ext/v1/openapi.json`);
    for (const path of ['/healthz', '/ext/v1/openapi.json']) {
      expect((await fetch(base.href.replace(/\/$/, '') + path)).status).toBe(200);
    }
  });

  it.each([
    ['/healthz', 'Liveness'],
    ['/readyz', 'Readiness'],
    ['/ext/v1/tasks/none/logs/1/0/stdout', 'Error'],
    ['/ext/v1/nothing', 'Error'],
  ])('describes the answer of %s', async (path, schema) => {
    const ajv = new Ajv({ strict: false }).addSchema(ext, 'ext');
    const validate = ajv.getSchema(`ext#/components/schemas/${schema}`);
    const { json } = await h.call(path);
    expect([validate?.(json), validate?.errors]).toEqual([true, null]);
  });

  it('is there for anybody, by GET and HEAD', async () => {
    const answer = await h.call('/ext/v1/openapi.json', { method: 'POST' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});
