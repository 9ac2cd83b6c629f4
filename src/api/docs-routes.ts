/** The front door for people: Swagger UI of the very documents this server is built from, without any foreign host. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Router, type Response } from 'express';
import helmet from 'helmet';
import type { ServiceInfoOptions } from '../tasks/service-info.ts';
import type { Contract } from './contract.ts';
import { methodUnknown } from './errors.ts';
import { sendJson } from './exchange.ts';

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Task Execution Service</title>
    <link rel="stylesheet" href="docs/swagger-ui.css">
    <link rel="icon" type="image/png" href="docs/favicon-32x32.png">
  </head>
  <body>
    <div id="tes"></div>
    <div id="extensions"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/page.js"></script>
  </body>
</html>
`;

/** Two documents below each other; links into the page (`deepLinking`) are of the first. */
const PAGE_SCRIPT = `for (const [id, url] of [
  ['tes', 'openapi.json'],
  ['extensions', 'ext/v1/openapi.json'],
]) {
  SwaggerUIBundle({
    url,
    dom_id: '#' + id,
    deepLinking: id === 'tes',
    validatorUrl: null,
  });
}
`;

/** The page needs scripts and styles of this server, and images inlined in the style sheet; nothing else. */
const PAGE_HEADERS = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  strictTransportSecurity: false, // the word of whoever ends TLS in front of this server
});

/** Files of swagger-ui-dist that the page uses; nothing else of the package is served. */
const ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'] as const;

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
const withServers = (document: string): string =>
  JSON.stringify({ ...(JSON.parse(document) as object), servers: [{ url: 'ga4gh/tes/v1' }] });

export const createDocsRouter = (contract: Documents, deps: DocsDeps): Router => {
  const router = Router({ caseSensitive: true });
  const folder = assetFolder();
  const index = indexOf(deps);
  const documents = {
    '/openapi.json': withServers(contract.text),
    '/ext/v1/openapi.json': contract.extensions,
  };
  router.use(PAGE_HEADERS);
  router.get('/', (req, res) => {
    res.vary('Accept');
    if (req.accepts(['html', 'json']) === 'json') sendJson(res, 200, index);
    else sendText(res, 'text/html', PAGE);
  });
  for (const [path, document] of Object.entries(documents)) {
    router.get(path, (_req, res) => {
      sendText(res, 'application/json', document);
    });
  }
  router.get('/docs/page.js', (_req, res) => {
    sendText(res, 'text/javascript', PAGE_SCRIPT);
  });
  for (const name of ASSETS) {
    router.get(`/docs/${name}`, (_req, res) => {
      res.sendFile(join(folder, name), { cacheControl: false });
    });
  }
  const paths = [
    '/',
    ...Object.keys(documents),
    '/docs/page.js',
    ...ASSETS.map((name) => `/docs/${name}`),
  ];
  router.all(paths, methodUnknown('GET, HEAD'));
  return router;
};
