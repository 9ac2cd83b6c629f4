/** The documents that are served: every route is in one of them, and what they say of answers holds. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessWith, issuerOptions } from '../../support/access.ts';
import { startIssuer } from '../../support/oidc/issuer.ts';
import { startHarness, type Harness } from './harness.ts';

interface Document {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly servers: readonly { readonly url: string }[];
  readonly security: readonly object[];
  readonly components: { readonly schemas: object; readonly securitySchemes?: object };
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
  it('is the document of the source, with a version of its own, and asks for nothing where access is off', () => {
    const source = JSON.parse(readFileSync(FILE, 'utf8')) as typeof ext;
    expect(ext).toEqual({
      ...source,
      security: [],
      components: { ...source.components, securitySchemes: undefined },
    });
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

describe('what the page offers', () => {
  const PATHS = ['/openapi.json', '/ext/v1/openapi.json'];
  const TES = new URL('../../../openapi/tes.bundled.json', import.meta.url);
  const page = { clientId: 'page', scopes: ['openid', 'groups'] };
  const files = { basic: { file: '/none' }, tokens: { file: '/none' } };

  const serve = (...given: Parameters<typeof accessWith>): Promise<Harness> =>
    startHarness(() => ({ access: accessWith(...given) }));

  const documentOf = async (one: Harness, path: string) => (await one.call(path)).json as Document;

  const schemesOf = async (one: Harness, path: string) =>
    Object.keys((await documentOf(one, path)).components.securitySchemes ?? {});

  const redirectOf = async (one: Harness) => fetch(`${one.root}/docs/oauth2-redirect.html`);

  const MODES: readonly (readonly [string, Parameters<typeof accessWith>, readonly string[]])[] = [
    ['nothing', [{}, { tokenHeader: 'x-key', tokenParameter: 'key' }], []],
    ['passwords', [{ basic: files.basic }, { tokenHeader: 'x-key' }], ['BasicAuth']],
    ['API tokens', [{ tokens: files.tokens }], ['BearerAuth']],
    [
      'tokens in their own places',
      [{ tokens: files.tokens }, { tokenHeader: 'x-key', tokenParameter: 'key' }],
      ['BearerAuth', 'TokenHeader', 'TokenParameter'],
    ],
    [
      'an issuer without a client for the page',
      [{ issuers: [issuerOptions('http://127.0.0.1:1')] }],
      ['BearerAuth'],
    ],
  ];

  it.each(MODES)('is what is configured: %s', async (_, given, wanted) => {
    const one = await serve(...given);
    for (const path of PATHS) {
      expect(await schemesOf(one, path)).toEqual(wanted);
      const { security } = await documentOf(one, path);
      expect(security).toEqual(wanted.map((name) => ({ [name]: [] })));
    }
    expect((await redirectOf(one)).status).toBe(404);
    await one.close();
  });

  it('leaves all else of the document of the validators as it is', async () => {
    const one = await serve(files);
    const source = JSON.parse(readFileSync(TES, 'utf8')) as Document;
    const served = await documentOf(one, '/openapi.json');
    expect(served.components.schemas).toEqual(source.components.schemas);
    const wanted = [{ BasicAuth: [] }, { BearerAuth: [] }];
    const inOrder = (ways: readonly object[]) => JSON.stringify(ways).slice(1, -1);
    const paths = JSON.stringify(source.paths).replaceAll(
      inOrder([{ BearerAuth: [] }, { BasicAuth: [] }]),
      inOrder(wanted),
    );
    expect(served.paths).toEqual(JSON.parse(paths));
    const { security } = await documentOf(one, '/ext/v1/openapi.json');
    expect(security).toEqual(wanted);
    expect((await documentOf(one, '/ext/v1/openapi.json')).paths['/healthz']).toMatchObject({
      get: { security: [] },
    });
    await one.close();
  });

  it('signs in where the issuer says, and connects to no other place', async () => {
    const issuer = await startIssuer();
    const one = await serve({ issuers: [issuerOptions(issuer.url, { page })] });
    const { components, security } = await documentOf(one, '/openapi.json');
    expect(components.securitySchemes).toMatchObject({
      SignIn1: {
        type: 'oauth2',
        flows: {
          authorizationCode: {
            authorizationUrl: `${issuer.url}/authorize`,
            tokenUrl: `${issuer.url}/token`,
            scopes: { openid: '', groups: '' },
          },
        },
      },
    });
    expect(security).toEqual([{ BearerAuth: [] }, { SignIn1: page.scopes }]);
    const { headers } = await one.call('/', { headers: { accept: 'text/html' } });
    expect(headers.get('content-security-policy')).toContain(
      `connect-src 'self' ${new URL(issuer.url).origin};`,
    );
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin-allow-popups');
    const redirect = await redirectOf(one);
    expect([redirect.status, redirect.headers.get('cross-origin-opener-policy')]).toEqual([
      200,
      'unsafe-none',
    ]);
    expect(redirect.headers.get('content-security-policy')).toContain("connect-src 'self';");
    expect((await one.call('/docs/oauth2-redirect.js')).status).toBe(200);
    expect((await one.call('/docs/page.js')).text).toContain(
      `const SIGN_INS = ${JSON.stringify({ SignIn1: page })};`,
    );
    expect(issuer.count('/.well-known/openid-configuration')).toBe(1);
    await one.close();
    await issuer.stop();
  });

  it('is without an issuer that does not answer, and says so', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${String((silent.address() as AddressInfo).port)}`;
    const one = await serve({ ...files, issuers: [issuerOptions(url, { page })] });
    const { status, headers } = await one.call('/', { headers: { accept: 'text/html' } });
    expect([status, headers.get('cross-origin-opener-policy')]).toEqual([200, 'same-origin']);
    expect(headers.get('content-security-policy')).toContain("connect-src 'self';");
    expect(await schemesOf(one, '/openapi.json')).toEqual(['BasicAuth', 'BearerAuth']);
    expect((await one.call('/docs/page.js')).text).toContain(`const MISSING = ["${url}"];`);
    await one.close();
    silent.closeAllConnections();
    silent.close();
  });
});
