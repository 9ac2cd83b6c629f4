/** Layers, profiles and refusals of the configuration. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig, type LoadInput } from '../../../src/config/load.ts';
import { isMagnetarError } from '../../../src/kernel/errors.ts';
import { createTempFile, createTempFolder } from '../../support/temp-folder.ts';

const load = (input: Partial<LoadInput> = {}) => loadConfig({ environment: {}, ...input });

const refusalOf = (input: Partial<LoadInput>): string => {
  try {
    load(input);
  } catch (error) {
    if (isMagnetarError(error, 'CONFIG_INVALID')) return error.message;
    throw error;
  }
  throw new Error('was accepted');
};

const toml = (text: string): string => createTempFile('my.toml', text);

describe('layers', () => {
  it('answers the defaults and one embedded destination when nothing is configured', () => {
    const { config, sources } = load();
    expect(config.server).toMatchObject({ host: '127.0.0.1', port: 8080 });
    expect(config.store.url).toBe(`sqlite:${path.resolve('data')}/magnetar.db`);
    expect(config.destinations).toMatchObject([{ name: 'local', transport: 'embedded' }]);
    expect(sources.size).toBe(0);
  });

  it('lets the file win over defaults, the environment over the file, flags over both', () => {
    const file = toml('[server]\nport = 1001\nhost = "127.0.0.2"\n[log]\nlevel = "warn"\n');
    const environment = { MAGNETAR_SERVER__PORT: '1002', MAGNETAR_SERVER__HOST: '127.0.0.3' };
    const { config, sources } = load({ file, environment, flags: { port: '1003' } });
    expect(config.server).toMatchObject({ host: '127.0.0.3', port: 1003 });
    expect(config.log.level).toBe('warn');
    expect(Object.fromEntries(sources)).toEqual({
      'server.port': 'flag --port',
      'server.host': 'variable MAGNETAR_SERVER__HOST',
      'log.level': file,
    });
  });

  it('reads YAML like TOML', () => {
    const file = createTempFile('my.yaml', 'server:\n  port: 1001\n  allowed_hosts: [tes.local]\n');
    const { server } = load({ file }).config;
    expect(server).toMatchObject({ port: 1001, allowed_hosts: ['tes.local'] });
  });

  it('takes the file named by MAGNETAR_CONFIG', () => {
    const environment = { MAGNETAR_CONFIG: toml('[server]\nport = 1001\n') };
    expect(load({ environment }).config.server.port).toBe(1001);
  });

  it('splits lists of the environment at commas and reads JSON lists', () => {
    const comma = { MAGNETAR_STORAGE__HTTP__ALLOW: 'localhost, 10.0.0.0/8' };
    expect(load({ environment: comma }).config.storage.http.allow).toEqual([
      'localhost',
      '10.0.0.0/8',
    ]);
    const json = { MAGNETAR_STORAGE__HTTP__ALLOW: '["a","b"]' };
    expect(load({ environment: json }).config.storage.http.allow).toEqual(['a', 'b']);
  });

  it('puts the database into the data directory that was chosen', () => {
    const data = createTempFolder();
    expect(load({ flags: { data } }).config.store.url).toBe(`sqlite:${data}/magnetar.db`);
    const store = 'sqlite:/elsewhere/a.db';
    expect(load({ flags: { data, store } }).config.store.url).toBe(store);
  });

  it('adds --allow to the roots of both directions by real path', () => {
    const folder = createTempFolder();
    mkdirSync(path.join(folder, 'in'));
    const file = toml(`[storage.file]\nread = ["${folder}/in"]\n`);
    const { config, sources } = load({ file, allow: [`${folder}/in/..`] });
    expect(config.storage.file).toMatchObject({ read: [`${folder}/in`, folder], write: [folder] });
    expect(sources.get('storage.file.read')).toBe(`${file} and flag --allow`);
  });

  it('is frozen to its leaves', () => {
    const { config } = load();
    expect(Object.isFrozen(config.storage.file.read)).toBe(true);
    expect(Object.isFrozen(config.destinations[0])).toBe(true);
  });
});

describe('profiles', () => {
  const PROFILES = `
[default.server]
port = 1001
[default.log]
level = "warn"
[site.server]
port = 1002
`;

  it.each([
    ['[default] without MAGNETAR_PROFILE', {}, 1001],
    ['the chosen one over [default]', { MAGNETAR_PROFILE: 'site' }, 1002],
  ])('take %s', (_what, environment, port) => {
    const { config } = load({ file: toml(PROFILES), environment });
    expect(config.server.port).toBe(port);
    expect(config.log.level).toBe('warn');
  });

  it('give way to keys outside of profiles', () => {
    const file = toml(`${PROFILES}\n[server]\nport = 1003\n`);
    expect(load({ file, environment: { MAGNETAR_PROFILE: 'site' } }).config.server.port).toBe(1003);
  });

  it.each([
    ['an unknown one', PROFILES, 'MAGNETAR_PROFILE is lab'],
    ['any where the file has none', '[server]\nport = 1\n', 'has no [default]'],
  ])('refuse %s', (_what, text, message) => {
    const environment = { MAGNETAR_PROFILE: 'lab' };
    expect(refusalOf({ file: toml(text), environment })).toContain(message);
  });

  it('refuse an unknown key in a profile that is not chosen', () => {
    const file = toml(`${PROFILES}[lab.server]\nprt = 1\n`);
    expect(refusalOf({ file })).toContain('unknown key server.prt');
  });

  it('need a file', () => {
    expect(refusalOf({ environment: { MAGNETAR_PROFILE: 'lab' } })).toContain('--config');
  });
});

describe('refusals name the key and where it came from', () => {
  it.each([
    ['an unknown section', '[serve]\nport = 1\n', 'unknown key serve ('],
    ['an unknown key', '[server]\nprt = 1\n', 'unknown key server.prt ('],
    ['a value where a section belongs', 'server = 1\n', 'server ('],
    ['a wrong type', '[server]\nport = "many"\n', 'server.port: must be a whole number'],
    ['a number too large', '[server]\nport = 70000\n', 'server.port: must be a whole number'],
    ['a wrong word', '[log]\nlevel = "loud"\n', 'log.level: must be one of'],
    ['a foreign store', '[store]\nurl = "mysql://a"\n', 'store.url: must be sqlite:PATH'],
    ['a missing root', '[storage.file]\nread = ["/no/such"]\n', 'storage.file.read: /no/such is'],
    ['broken TOML', '[server\n', 'cannot read'],
  ])('%s', (_what, text, message) => {
    const file = toml(text);
    const refusal = refusalOf({ file });
    expect(refusal).toContain(message);
    expect(refusal).toContain(file);
  });

  it('of the environment', () => {
    const environment = { MAGNETAR_SERVER__PRT: '1' };
    expect(refusalOf({ environment })).toContain('server.prt (variable MAGNETAR_SERVER__PRT)');
  });

  it('of flags', () => {
    expect(refusalOf({ flags: { port: '80a' } })).toContain('(from flag --port)');
    expect(refusalOf({ allow: ['/no/such'] })).toContain('--allow: /no/such is not a folder');
  });

  it('without the value of a key that may hold a secret', () => {
    const refusal = refusalOf({ flags: { store: 'mysql://me:hunter2@db' } });
    expect(refusal).not.toContain('hunter2');
  });

  it.each([
    ['content_bytes = 4194305', 'from 1 to 4194304'],
    ['content_bytes = 0', 'from 1 to 4194304'],
  ])('of a limit beyond what every store holds: %s', (line, message) => {
    expect(refusalOf({ file: toml(`[limits]\n${line}\n`) })).toContain(message);
  });

  it.each(['"*"', '"null"', '"https://a.org/"', '"https://a.org:443"', '"ftp://a.org"', '1'])(
    'of %s as an origin of web pages',
    (origin) => {
      const file = toml(`[server]\nallowed_origins = [${origin}]\n`);
      expect(refusalOf({ file })).toContain('server.allowed_origins: must be a list of origins');
    },
  );

  it('of a file that is neither TOML nor YAML', () => {
    expect(refusalOf({ file: createTempFile('my.json', '{}') })).toContain('.toml, .yaml or .yml');
  });

  it('all at once', () => {
    const refusal = refusalOf({ file: toml('[server]\nport = -1\n[log]\nlevel = "loud"\n') });
    expect(refusal).toContain('server.port');
    expect(refusal).toContain('log.level');
  });
});

describe('binding', () => {
  it.each(['127.0.0.1', '127.8.9.1', '::1', 'localhost'])('%s is loopback', (host) => {
    expect(load({ flags: { host } }).config.server.host).toBe(host);
  });

  it.each(['0.0.0.0', '::', '192.168.0.2', 'example.org', '127.0.0.1.example.org'])(
    '%s is refused unless told explicitly',
    (host) => {
      expect(refusalOf({ flags: { host } })).toContain('server.allow_public_without_auth');
      const environment = { MAGNETAR_SERVER__ALLOW_PUBLIC_WITHOUT_AUTH: 'true' };
      expect(load({ flags: { host }, environment }).config.server.host).toBe(host);
    },
  );
});

describe('the origins of web pages', () => {
  it('are schemes with hosts and ports', () => {
    const environment = {
      MAGNETAR_SERVER__ALLOWED_ORIGINS: 'https://Portal.example.org, http://localhost:3000',
    };
    const { allowed_origins } = load({ environment }).config.server;
    expect(allowed_origins).toEqual(['https://Portal.example.org', 'http://localhost:3000']);
  });
});

describe('the install secret', () => {
  const SECRET = 'hunter-'.repeat(5);

  it('is none unless configured', () => {
    expect(load().config.secret).toBe('');
  });

  it('is the text itself, that of a variable or that of a file', () => {
    const path = createTempFile('secret', `${SECRET}\n`);
    const secretOf = (secret: string): string =>
      load({ environment: { MAGNETAR_SECRET: secret, OTHER: SECRET } }).config.secret;
    expect(secretOf(SECRET)).toBe(SECRET);
    expect(secretOf('env:OTHER')).toBe(SECRET);
    expect(secretOf(`file:${path}`)).toBe(SECRET);
  });

  it.each([
    ['hunter2', 'secret: must have at least 32 characters (from variable MAGNETAR_SECRET)'],
    ['env:SHORT', 'secret: must have at least 32 characters'],
    ['env:NONE', 'secret: variable NONE is not set'],
    ['file:/no/such/file', 'secret: cannot read the secret'],
    ['file:/dev/null', 'secret: must have at least 32 characters'],
  ])('is refused as %s, and not shown', (secret, message) => {
    const environment = { MAGNETAR_SECRET: secret, SHORT: 'hunter3' };
    const refusal = refusalOf({ environment });
    expect(refusal).toContain(message);
    expect(refusal).not.toContain('hunter');
  });
});
