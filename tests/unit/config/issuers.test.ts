/** The section of authentication: what it yields and what it refuses. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { redactConfig } from '../../../src/config/render.ts';
import { accessOptionsOf, allowedHostsOf } from '../../../src/config/settings.ts';
import { createTempFile } from '../../support/temp-folder.ts';

const load = (toml: string, environment: Readonly<Record<string, string>> = {}) =>
  loadConfig({ file: createTempFile('magnetar.toml', toml), environment }).config;

const ISSUER = `[[auth.issuers]]
issuer = "https://sso.example.org/realms/lab"
audiences = ["magnetar"]
`;
const OIDC = `[auth]\nmodes = ["oidc"]\n${ISSUER}`;

describe('[auth]', () => {
  it('is none by default, and then hosts are checked', () => {
    const config = load('');
    expect(accessOptionsOf(config)).toEqual({
      roles: { admins: [], viewers: [], sharedGroups: [] },
    });
    expect(allowedHostsOf(config)).toEqual([]);
  });

  it('combines modes; files lie in the data directory', () => {
    const config = load(`data = "/srv/magnetar"\n[server]\nhost = "0.0.0.0"\n
      [auth]\nmodes = ["basic", "token", "oidc"]\nadmins = ["user:root"]\ntoken_header = "X-API-Key"\n${ISSUER}`);
    const options = accessOptionsOf(config);
    expect(options.basic).toEqual({ file: '/srv/magnetar/users.json' });
    expect(options.tokens).toEqual({ file: '/srv/magnetar/tokens.json' });
    expect(options.issuers).toEqual([
      {
        issuer: 'https://sso.example.org/realms/lab',
        audiences: ['magnetar'],
        algorithms: ['RS256', 'ES256'],
        clockSkewS: 30,
        groupsClaim: '',
      },
    ]);
    expect(options.roles.admins).toEqual(['user:root']);
    expect(config.auth.token_header).toBe('x-api-key');
    expect(allowedHostsOf(config)).toBe('any');
  });

  it('knows the public client of the page', () => {
    const config = load(`${OIDC}page_client_id = "page"\n`);
    expect(accessOptionsOf(config).issuers?.[0]?.page).toEqual({
      clientId: 'page',
      scopes: ['openid'],
    });
  });

  it('reads the secret of introspection from elsewhere, and hides it', () => {
    const toml = `${OIDC}client_id = "server"\nclient_secret = "env:OIDC"\n`;
    const config = load(toml, { OIDC: 's3cret' });
    expect(accessOptionsOf(config).issuers?.[0]?.introspection).toEqual({
      clientId: 'server',
      clientSecret: 's3cret',
    });
    expect(JSON.stringify(redactConfig(config))).not.toContain('s3cret');
  });

  it.each([
    ['[auth]\nmodes = ["password"]', /auth\.modes: must be a list of basic, token, oidc/],
    ['[auth]\nmodes = ["oidc"]', /auth\.issuers: mode oidc needs at least one/],
    [ISSUER, /auth\.modes: lacks oidc/],
    [OIDC.replace('["magnetar"]', '[]'), /auth\.issuers\[0\]\.audiences: names none/],
    [OIDC.replace('https', 'http'), /auth\.issuers\[0\]\.issuer: must be an https/],
    [`${OIDC}algorithms = ["HS256"]`, /auth\.issuers\[0\]\.algorithms: must be a list of RS256/],
    [`${OIDC}algorithms = ["none"]`, /algorithms/],
    [`${OIDC}algorithms = []`, /algorithms: names none/],
    [`${OIDC}audience = "x"`, /auth\.issuers\[0\]\.audience: unknown key/],
    [`${OIDC}client_id = "x"`, /client_id: needs client_secret/],
    [`${OIDC}client_id = "x"\nclient_secret = "env:NOT_SET"`, /variable NOT_SET is not set/],
    [OIDC + ISSUER, /is there twice/],
    [
      '[server]\nallowed_networks = ["10.0.0.0/40"]',
      /allowed_networks: must be a list of addresses/,
    ],
    ['[server]\nallowed_networks = ["localhost"]', /allowed_networks/],
    ['[auth]\ntoken_header = "X Key"', /token_header: must be the name of a header/],
    ['[auth]\ntoken_parameter = "a&b"', /token_parameter: must have only/],
    ['[server]\nhost = "0.0.0.0"', /whoever reaches it may run containers; set auth\.modes/],
  ])('refuses %j', (toml, message) => {
    expect(() => load(toml)).toThrow(message);
  });

  it('lets an issuer on loopback be plain http', () => {
    const config = load(OIDC.replace('https://sso.example.org', 'http://127.0.0.1:9000'));
    expect(config.auth.issuers[0]?.issuer).toBe('http://127.0.0.1:9000/realms/lab');
  });
});
