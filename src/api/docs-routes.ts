/** The front door for people: Swagger UI of the very documents this server is built from, without any foreign host but the issuers where users sign in. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Router, type Response } from 'express';
import type { JsonRecord } from '../kernel/json.ts';
import type { ServiceInfoOptions } from '../tasks/service-info.ts';
import type { Contract } from './contract.ts';
import { PAGE, pageHeaders, pageScript, PLAIN_HEADERS, REDIRECT_HEADERS } from './docs-page.ts';
import { signInsNow, withSecurity, type Ways } from './docs-security.ts';
import { methodUnknown } from './errors.ts';
import { sendJson } from './exchange.ts';

/** Files of swagger-ui-dist that the page uses; nothing else of the package is served. */
const ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'] as const;
const REDIRECT = 'oauth2-redirect.html';
const SIGN_IN_ASSETS = [REDIRECT, 'oauth2-redirect.js'] as const;

const assetFolder = (): string =>
  dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

const sendText = (res: Response, type: string, text: string): void => {
  res.setHeader('content-type', `${type}; charset=utf-8`);
  res.end(text);
};

type Documents = Pick<Contract, 'text' | 'extensions'>;

export interface DocsDeps {
  readonly serviceInfo: ServiceInfoOptions;
  readonly http: { readonly publicUrl: string };
  readonly access: Ways;
}

const indexOf = ({ serviceInfo: { name, version }, http: { publicUrl } }: DocsDeps) => ({
  name,
  version,
  tes: `${publicUrl}/ga4gh/tes/v1`,
  service_info: `${publicUrl}/ga4gh/tes/v1/service-info`,
  openapi: `${publicUrl}/openapi.json`,
  extensions: `${publicUrl}/ext/v1/openapi.json`,
});

/** The API lies beside the document, whatever prefix a proxy puts before both. */
const documentsOf = ({ text, extensions }: Documents) => ({
  '/openapi.json': { ...(JSON.parse(text) as JsonRecord), servers: [{ url: 'ga4gh/tes/v1' }] },
  '/ext/v1/openapi.json': JSON.parse(extensions) as JsonRecord,
});

export const createDocsRouter = (contract: Documents, deps: DocsDeps): Router => {
  const router = Router({ caseSensitive: true });
  const folder = assetFolder();
  const index = indexOf(deps);
  const documents = documentsOf(contract);
  const { signIns } = deps.access.offers;
  const assets = [...ASSETS, ...(signIns.length === 0 ? [] : SIGN_IN_ASSETS)];
  const now = () => signInsNow(signIns);
  router.use(PLAIN_HEADERS);
  router.get(
    '/',
    async (req, res, next) => {
      res.vary('Accept');
      if (req.accepts(['html', 'json']) === 'json') sendJson(res, 200, index);
      else pageHeaders(await now())(req, res, next);
    },
    (_req, res) => {
      sendText(res, 'text/html', PAGE);
    },
  );
  for (const [path, document] of Object.entries(documents)) {
    router.get(path, async (_req, res) => {
      sendJson(res, 200, withSecurity(document, deps.access, await now()));
    });
  }
  router.get('/docs/page.js', async (_req, res) => {
    sendText(res, 'text/javascript', pageScript(await now()));
  });
  router.get(`/docs/${REDIRECT}`, REDIRECT_HEADERS);
  for (const name of assets) {
    router.get(`/docs/${name}`, (_req, res) => {
      res.sendFile(join(folder, name), { cacheControl: false });
    });
  }
  const paths = [
    '/',
    ...Object.keys(documents),
    '/docs/page.js',
    ...assets.map((name) => `/docs/${name}`),
  ];
  router.all(paths, methodUnknown('GET, HEAD'));
  return router;
};
