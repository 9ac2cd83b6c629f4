/** The page, its script and its headers: scripts of this server only, connections to this server and to where users sign in. */
import type { RequestHandler } from 'express';
import helmet from 'helmet';
import type { SignInsNow } from './docs-security.ts';

export const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Task Execution Service</title>
    <link rel="stylesheet" href="docs/swagger-ui.css">
    <link rel="icon" type="image/png" href="docs/favicon-32x32.png">
  </head>
  <body>
    <div class="swagger-ui"><div id="notices" class="wrapper" role="status"></div></div>
    <div id="tes"></div>
    <div id="extensions"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/page.js"></script>
  </body>
</html>
`;

/**
 * Two documents below each other; links into the page (`deepLinking`) are of the first. Who is authorized in one is so in the other.
 * Without `omit` the browser would ask for a password of its own at each 401, and keep it.
 */
const SCRIPT = `
for (const issuer of MISSING) {
  const notice = document.createElement('h4');
  notice.textContent =
    'Signing in at ' + issuer + ' is not possible now: it cannot be reached, or does not tell how. Load this page again later.';
  document.getElementById('notices').append(notice);
}

const pages = [];
let spreading = false;
const everywhere = (name) => (original) => (payload) => {
  if (spreading) return original(payload);
  spreading = true;
  try {
    for (const page of pages) page.authActions[name](payload);
  } finally {
    spreading = false;
  }
};

const SharedAuthorization = {
  statePlugins: {
    auth: {
      wrapActions: Object.fromEntries(
        ['authorize', 'authorizeOauth2', 'logout'].map((name) => [name, everywhere(name)]),
      ),
    },
  },
};

/** Each issuer has a client and scopes of its own. */
const ClientOfIssuer = (system) => ({
  wrapComponents: {
    oauth2: (Original) => (props) => {
      const getConfigs = () => ({ ...props.authSelectors.getConfigs(), ...SIGN_INS[props.name] });
      const authSelectors = { ...props.authSelectors, getConfigs };
      return system.React.createElement(Original, { ...props, authSelectors });
    },
  },
});

for (const [id, url] of [
  ['tes', 'openapi.json'],
  ['extensions', 'ext/v1/openapi.json'],
]) {
  const page = SwaggerUIBundle({
    url,
    dom_id: '#' + id,
    deepLinking: id === 'tes',
    validatorUrl: null,
    oauth2RedirectUrl: new URL('docs/oauth2-redirect.html', document.baseURI).href,
    requestInterceptor: (request) => ({ ...request, credentials: 'omit' }),
    plugins: [SharedAuthorization, ClientOfIssuer],
  });
  page.initOAuth({ usePkceWithAuthorizationCodeGrant: true });
  pages.push(page);
}
`;

export const pageScript = ({ ready, missing }: SignInsNow): string => {
  const signIns = ready.map(({ name, signIn: { clientId, scopes } }) => [
    name,
    { clientId, scopes },
  ]);
  const settings: readonly (readonly [string, unknown])[] = [
    ['MISSING', missing],
    ['SIGN_INS', Object.fromEntries(signIns)],
  ];
  return `${settings.map(([name, value]) => `const ${name} = ${JSON.stringify(value)};\n`).join('')}${SCRIPT}`;
};

/** How far a page and the window in which users sign in know each other. */
type Opener = 'same-origin' | 'same-origin-allow-popups' | 'unsafe-none';

const headers = (connectTo: readonly string[], opener: Opener): RequestHandler =>
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'", ...connectTo],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    crossOriginOpenerPolicy: { policy: opener },
    strictTransportSecurity: false, // the word of whoever ends TLS in front of this server
  });

export const PLAIN_HEADERS = headers([], 'same-origin');

/** The page fetches the token itself, and must stay the opener of the window that brings the code. */
export const pageHeaders = ({ ready }: SignInsNow): RequestHandler =>
  ready.length === 0
    ? PLAIN_HEADERS
    : headers(
        ready.map(({ token }) => new URL(token).origin),
        'same-origin-allow-popups',
      );

/** Where the issuer sends the user back to: only a page without a policy keeps its opener after another site. */
export const REDIRECT_HEADERS = headers([], 'unsafe-none');
