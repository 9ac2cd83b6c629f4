/** The tables below `[storage]`: secrets by reference, every problem by its key, nothing secret shown. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { redactConfig } from '../../../src/config/render.ts';
import { createTempFolder } from '../../support/temp-folder.ts';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';

const load = (toml: string, environment: Record<string, string> = {}) => {
  const file = join(createTempFolder(), 'magnetar.toml');
  writeFileSync(file, toml);
  return loadConfig({ environment, file }).config;
};

const TABLES = `
[[storage.http.hosts]]
host = "data.example.org"
token = "env:DATA_TOKEN"
upload = "post"
[[storage.ftp.hosts]]
host = "ftp.example.org:2121"
user = "me"
password = "hidden-ftp"
[[storage.s3]]
name = "lab"
endpoint = "https://s3.example.org"
buckets = ["lab-*"]
access_key = "env:KEY"
secret_key = "env:SECRET"
`;
const SECRETS = { DATA_TOKEN: 'hidden-token', KEY: 'hidden-key', SECRET: 'hidden-secret' };

describe('storages of the configuration', () => {
  it('resolves secrets, and shows none of them', () => {
    const config = load(TABLES, SECRETS);
    expect(config.storage.http.hosts).toEqual([
      {
        host: 'data.example.org',
        user: '',
        password: '',
        token: 'hidden-token',
        upload: 'post',
        allow: [],
      },
    ]);
    expect(config.storage.ftp.hosts).toMatchObject([{ user: 'me', password: 'hidden-ftp' }]);
    expect(config.storage.s3).toMatchObject([
      { name: 'lab', region: 'us-east-1', path_style: true, secret_key: 'hidden-secret' },
    ]);
    expect(JSON.stringify(redactConfig(config))).not.toContain('hidden');
  });

  it.each([
    ['[[storage.http.hosts]]\nuser = "me"', 'storage.http.hosts[0].host'],
    ['[[storage.http.hosts]]\nhost = "h"\nupload = "ftp"', 'storage.http.hosts[0].upload'],
    ['[[storage.ftp.hosts]]\nhost = "h"\npasword = "x"', 'storage.ftp.hosts[0].pasword'],
    ['[[storage.s3]]\nname = "a"\naccess_key = "k"', 'storage.s3[0].access_key'],
    [
      '[[storage.s3]]\nname = "a"\nsecret_key = "env:NONE"\naccess_key = "k"',
      'storage.s3[0].secret_key',
    ],
  ])('%j is refused, naming %s', (toml, key) => {
    expect(() => load(toml)).toThrow(key);
  });
});
