import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { parseNetrc } from '../../../src/config/netrc.ts';
import { redactConfig } from '../../../src/config/render.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

const entry = (machine: string, login: string, password = '') => ({ machine, login, password });

describe('parseNetrc', () => {
  it.each([
    ['', []],
    ['machine h login u password p', [entry('h', 'u', 'p')]],
    ['machine H.Example\n\tlogin u\r\n\tpassword p\r\n', [entry('h.example', 'u', 'p')]],
    ['machine h password p login u account a', [entry('h', 'u', 'p')]],
    ['machine h login u', [entry('h', 'u')]],
    ['machine h password p', []],
    ['machine a login 1 machine b login 2 machine a login 3', [entry('a', '1'), entry('b', '2')]],
    ['# machine x login x\nmachine h # y\nlogin u password #p', [entry('h', 'u', '#p')]],
    ['machine h login "a b" password "q\\"\\\\\\t"', [entry('h', 'a b', 'q"\\\t')]],
    ['machine h login u password a"b', [entry('h', 'u', 'a"b')]],
    ['machine h login default password machine', [entry('h', 'default', 'machine')]],
    ['default login u password p', []],
    ['machine h login u\ndefault login all password all', [entry('h', 'u')]],
    ['macdef init\ncd /x\nmachine no login no\n\nmachine h login u', [entry('h', 'u')]],
  ])('%j', (text, entries) => {
    expect(parseNetrc(text)).toEqual({ entries });
  });

  it.each(['machine', 'login u', 'machine h\nhidden u', 'machine h login u password', 'hidden'])(
    '%j is a problem that shows nothing of it',
    (text) => {
      const result = parseNetrc(text);
      expect(JSON.stringify(result)).toMatch(/^{"problem":"line \d is not understood"}$/);
    },
  );
});

describe('storage.http.netrc', () => {
  const TEXT = 'machine a login u password hidden machine b login v password hidden';
  const load = (
    given: string,
    { mode = 0o600, tables = '' }: { mode?: number; tables?: string } = {},
  ) => {
    const folder = createTempFolder();
    const netrc = join(folder, '.netrc');
    writeFileSync(netrc, TEXT);
    chmodSync(netrc, mode);
    const file = join(folder, 'magnetar.toml');
    writeFileSync(file, `[storage.http]\nnetrc = "${given.replace('FOLDER', folder)}"\n${tables}`);
    return loadConfig({ environment: { HOME: folder, NETRC: netrc }, file }).config;
  };

  it.each(['FOLDER/.netrc', '~/.netrc', 'env:NETRC'])('%s is read, and not shown', (given) => {
    const config = load(given);
    expect(config.storage.http.hosts).toMatchObject([
      { host: 'a', user: 'u', password: 'hidden', token: '', upload: 'put' },
      { host: 'b', user: 'v' },
    ]);
    expect(JSON.stringify(redactConfig(config))).not.toContain('hidden');
  });

  it('is not read unless it is named', () => {
    expect(load('').storage.http.hosts).toEqual([]);
  });

  it('fills in what the configuration does not say', () => {
    const tables = `[[storage.http.hosts]]
host = "A:8080"
upload = "post"
[[storage.http.hosts]]
host = "b"
token = "t"`;
    expect(load('~/.netrc', { tables }).storage.http.hosts).toMatchObject([
      { host: 'A:8080', user: 'u', upload: 'post' },
      { host: 'b', user: '', token: 't' },
      { host: 'a', user: 'u', upload: 'put' },
    ]);
  });

  it.each([
    ['~/.netrc', 0o640, /storage\.http\.netrc: .*may be read by others \(mode 0640\): chmod 600/],
    ['~/.netrc', 0o604, /mode 0604/],
    ['~/none', 0o600, /storage\.http\.netrc: cannot be read: ENOENT/],
    ['env:NOTHING', 0o600, /variable NOTHING is not set/],
  ])('%s with mode %i is refused', (given, mode, message) => {
    expect(() => load(given, { mode })).toThrow(message);
  });
});
