/** What `[[destinations]]` may say. */
import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { redactConfig, renderConfig } from '../../../src/config/render.ts';
import { createTempFile, createTempFolder } from '../../support/temp-folder.ts';

type Table = Readonly<Record<string, unknown>>;

const load = (tables: readonly Table[], extra: Readonly<Record<string, string>> = {}) =>
  loadConfig({ environment: { MAGNETAR_DESTINATIONS: JSON.stringify(tables), ...extra } });

const REST = { name: 'far', transport: 'rest', url: 'https://pulsar.example.org/' };

describe('a destination', () => {
  it('of transport rest keeps its URL without the slash and its token', () => {
    const [destination] = load([{ ...REST, private_token: 'hunter2' }]).config.destinations;
    expect(destination).toMatchObject({
      transport: 'rest',
      url: 'https://pulsar.example.org',
      private_token: 'hunter2',
      manager: '_default_',
      shared_filesystem: false,
    });
  });

  it('takes its token from a variable or a file', () => {
    const file = createTempFile('token', 'from-file\n');
    const tables = [
      { ...REST, private_token: 'env:TOKEN' },
      { ...REST, name: 'other', private_token: `file:${file}` },
    ];
    expect(load(tables, { TOKEN: 'from-env' }).config.destinations).toMatchObject([
      { private_token: 'from-env' },
      { private_token: 'from-file' },
    ]);
  });

  it('mounts read-only unless it says otherwise', () => {
    const mounts = [{ host: '/srv/x', path: '/x' }];
    expect(load([{ name: 'a', mounts }]).config.destinations[0]?.mounts).toEqual([
      { host: '/srv/x', path: '/x', mode: 'ro' },
    ]);
  });

  it.each([
    ['an unknown key', { ...REST, prt: 1 }, 'destinations[0].prt: unknown key'],
    ['no name', { transport: 'embedded' }, 'destinations[0].name: must be'],
    ['a bad name', { name: 'a b' }, 'destinations[0].name: must be'],
    ['rest without URL', { name: 'a', transport: 'rest' }, 'destinations[0].url: is needed'],
    ['a URL with a user', { ...REST, url: 'http://u:p@h' }, 'destinations[0].url: must not hold'],
    ['amqp', { name: 'a', transport: 'amqp' }, 'amqp is not available'],
    ['embedded with a URL', { name: 'a', url: 'http://h' }, 'has no meaning with transport'],
    ['an unset variable', { ...REST, private_token: 'env:NO' }, 'variable NO is not set'],
    ['a bad max_jobs', { ...REST, max_jobs: -1 }, 'destinations[0].max_jobs: must be'],
    ['a relative mount', { name: 'a', mounts: [{ host: 'x', path: '/x' }] }, 'absolute path'],
    ['.. in a mount', { name: 'a', mounts: [{ host: '/x/../etc', path: '/x' }] }, 'without ..'],
  ])('is refused with %s', (_what, table, message) => {
    expect(() => load([table])).toThrow(message);
  });

  it('needs a name of its own', () => {
    expect(() => load([REST, REST])).toThrow('two are called far');
  });

  it('never shows its token or env in a refusal', () => {
    const table = { ...REST, url: '', private_token: 'hunter2', env: { A: 'hunter3' }, cores: -1 };
    expect(() => load([table])).toThrow(/^(?!.*hunter)/s);
  });
});

describe('a mount that hands out the host', () => {
  const mount = (host: string, target = '/x') => [
    { name: 'a', mounts: [{ host, path: target, mode: 'ro' }] },
  ];

  it.each([
    '/',
    '/proc',
    '/proc/1',
    '/sys/fs',
    '/dev/sda',
    '/etc',
    '/etc/ssl',
    '/var/run/docker.sock',
    '/run',
    '/var/run',
    '/run/user/1000',
    '/run/user/1000/podman/podman.sock',
    '//etc//',
    '/./etc/.',
  ])('%s is refused', (host) => {
    expect(() => load(mount(host))).toThrow('allow_dangerous_mounts');
  });

  it.each(['/', '/proc/x', '/sys', '/dev/x'])('at %s of the container is refused', (target) => {
    expect(() => load(mount('/srv/x', target))).toThrow('allow_dangerous_mounts');
  });

  it.each(['/etcetera', '/srv', '/home/x', '/devices', '/run-data'])('%s is fine', (host) => {
    expect(load(mount(host)).config.destinations[0]?.mounts).toHaveLength(1);
  });

  it('is found behind a link', () => {
    const link = path.join(createTempFolder(), 'innocent');
    symlinkSync('/etc', link);
    expect(() => load(mount(link))).toThrow('lies in /etc');
  });

  it('is accepted when it or a folder above is named, by segment', () => {
    const allow = (...paths: readonly string[]) => ({
      MAGNETAR_ALLOW_DANGEROUS_MOUNTS: paths.join(','),
    });
    expect(load(mount('/etc/ssl'), allow('/etc/ssl')).config.destinations).toHaveLength(1);
    expect(load(mount('/etc/ssl'), allow('/etc')).config.destinations).toHaveLength(1);
    expect(() => load(mount('/etc/ssl'), allow('/etc/ss'))).toThrow('lies in /etc');
    expect(() => load(mount('/etc'), allow('/etc/ssl'))).toThrow('lies in /etc');
  });
});

describe('what is shown', () => {
  const loaded = () =>
    load([{ ...REST, private_token: 'hunter2', env: { A: 'hunter3' } }], {
      MAGNETAR_STORE__URL: 'mongodb://me:hunter4@db.example.org/tes',
      MAGNETAR_SECRET: 'hunter5'.repeat(5),
    });

  it('holds no secret', () => {
    const values = loaded();
    const text = JSON.stringify([redactConfig(values.config), renderConfig(values)]);
    expect(text).not.toContain('hunter');
    expect(text).toContain('"A":"***"');
    expect(text).toContain('"secret":"***"');
    expect(text).toContain('mongodb://***@db.example.org/tes');
  });

  it('names the source of every key', () => {
    const rendered = renderConfig(loaded());
    const sourceOf = (key: string) => rendered.find((one) => one.key === key)?.source;
    expect(sourceOf('destinations')).toBe('variable MAGNETAR_DESTINATIONS');
    expect(sourceOf('server.port')).toBe('default');
  });
});
