/** Two users, every kind of storage, in and out: what the configuration opens to one is closed to the other. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createStorages } from '../../../src/app/storages.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { createAllowList } from '../../../src/storage/file/allow-list.ts';
import type { Caller } from '../../../src/tasks/grants.ts';
import { parseOwnerId } from '../../../src/tasks/ids.ts';
import type { FileUse } from '../../../src/tasks/ports/file-access.ts';
import { assertStorage } from '../../../src/tasks/storage-rules.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'magnetar-grants-')));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

for (const name of ['home/alice', 'home/bob', 'lab', 'results', 'stores', 'work']) {
  mkdirSync(join(folder, name), { recursive: true });
}

const CONFIG = `
[auth]
modes = ["basic"]
admins = ["user:root"]

[storage.file]
read = ["${folder}/results"]

[[storage.file.roots]]
path = "${folder}/home/{user}"
mode = "rw"
allow = ["*"]

[[storage.file.roots]]
path = "${folder}/lab"
mode = "ro"
allow = ["user:alice"]

[[storage.file.roots]]
path = "${folder}/stores"
mode = "rw"
live = true
allow = ["user:alice"]

[[storage.file.roots]]
path = "${folder}/work/{user}"
mode = "rw"
live = true
allow = ["*"]

[[storage.http.hosts]]
host = "closed.example"
token = "t"
allow = ["user:alice"]

[[storage.http.hosts]]
host = "forms.example"
upload = "post"

[[storage.ftp.hosts]]
host = "closed.example"
user = "u"
password = "p"
allow = ["user:alice"]

[[storage.s3]]
name = "reference"
buckets = ["ref"]
mode = "ro"
allow = ["*"]

[[storage.s3]]
name = "homes"
buckets = ["home/{user}/*", "group-{group}"]
access_key = "a"
secret_key = "s"
allow = ["*"]

[[storage.s3]]
name = "lab"
buckets = ["lab-*"]
access_key = "a"
secret_key = "s"
allow = ["user:alice"]
`;

const load = (text: string) => {
  const file = join(folder, 'magnetar.toml');
  writeFileSync(file, text);
  return loadConfig({ environment: {}, file }).config;
};

const config = load(CONFIG);
const storages = createStorages(config);
const rules = { files: createAllowList(storages), schemes: storages.schemes };

const alice: Caller = { owner: parseOwnerId('user:alice'), memberOf: ['lab'] };
const bob: Caller = { owner: parseOwnerId('user:bob'), memberOf: [] };
const root: Caller = { owner: parseOwnerId('user:root'), memberOf: [] };
const executors = [{ image: 'i', command: ['true'] }];

const judge = async (url: string, use: FileUse, caller: Caller): Promise<string> => {
  const spec =
    use === 'read'
      ? { executors, inputs: [{ path: '/x', url }] }
      : { executors, outputs: [{ path: '/x', url }] };
  try {
    await assertStorage({ spec, caller }, rules, { signal: new AbortController().signal });
    return 'open';
  } catch (error) {
    expect(error).toMatchObject({ code: 'STORAGE_REFUSED' });
    return 'refused';
  }
};

const OPEN = { read: 'open', write: 'open' };
const CLOSED = { read: 'refused', write: 'refused' };
const READ_ONLY = { read: 'open', write: 'refused' };

describe('what one user may use', () => {
  it.each([
    [`${folder}/home/alice/x`, OPEN, CLOSED],
    [`file://${folder}/home/bob/x`, CLOSED, OPEN],
    [`${folder}/home/x`, CLOSED, CLOSED],
    [`${folder}/lab/x`, READ_ONLY, CLOSED],
    [`${folder}/results/x`, CLOSED, CLOSED],
    [`${folder}/stores/x`, OPEN, CLOSED],
    [`file://${folder}/work/bob/store`, CLOSED, OPEN],
    ['https://closed.example/x', OPEN, CLOSED],
    ['https://own:login@closed.example/x', OPEN, OPEN],
    ['https://forms.example/x', OPEN, OPEN],
    ['https://open.example/x', OPEN, OPEN],
    ['ftp://closed.example/x', OPEN, CLOSED],
    ['ftps://own:login@closed.example/x', OPEN, OPEN],
    ['ftp://open.example/x', OPEN, OPEN],
    ['s3://ref/x', READ_ONLY, READ_ONLY],
    ['s3://home/alice/x', OPEN, CLOSED],
    ['s3://home/alice', OPEN, CLOSED],
    ['s3://home/alice2/x', CLOSED, CLOSED],
    ['s3://home/bob/deep/x', CLOSED, OPEN],
    ['s3://home/', CLOSED, CLOSED],
    ['s3://group-lab/x', OPEN, CLOSED],
    ['s3://lab-1/x', OPEN, CLOSED],
    ['s3://other/x', CLOSED, CLOSED],
    ['s3://own:keys@s3.example/lab-1/x', OPEN, OPEN],
  ])('%s', async (url, forAlice, forBob) => {
    for (const [caller, expected] of [
      [alice, forAlice],
      [bob, forBob],
    ] as const) {
      const found = {
        read: await judge(url, 'read', caller),
        write: await judge(url, 'write', caller),
      };
      expect(found).toEqual(expected);
    }
  });

  /** To a reader that takes `?` or `#` for a character of the login these lead to closed.example without one. */
  it.each([
    'ftp://:x@open.example?@closed.example/x',
    'FTPS://:x@open.example?@closed.example/x',
    'ftp://:x@open.example#@closed.example/x',
  ])('has one host only: %s', (url) => {
    for (const use of ['read', 'write'] as const) {
      expect(() => storages.schemes['ftp']?.judge(url, { use, caller: bob })).toThrow(
        expect.objectContaining({ code: 'BAD_TASK' }),
      );
    }
  });

  it.each([`${folder}/results/x`, `${folder}/lab/x`, 'ftp://closed.example/x', 's3://lab-1/x'])(
    'admins may use %s without being named',
    async (url) => {
      expect(await judge(url, 'read', root)).toBe('open');
    },
  );

  it('tells the job only of its own folders', () => {
    expect(storages.rootsFor(alice)).toEqual({
      read: [`${folder}/home/alice`, `${folder}/lab`, `${folder}/stores`, `${folder}/work/alice`],
      write: [`${folder}/home/alice`, `${folder}/stores`, `${folder}/work/alice`],
      live: [`${folder}/stores`, `${folder}/work/alice`],
    });
    expect(storages.rootsFor(bob)).toEqual({
      read: [`${folder}/home/bob`, `${folder}/work/bob`],
      write: [`${folder}/home/bob`, `${folder}/work/bob`],
      live: [`${folder}/work/bob`],
    });
  });
});

describe('{group} in a path', () => {
  it('needs groups of one issuer', () => {
    const issuer = (name: string) =>
      `\n[[auth.issuers]]\nissuer = "https://${name}.example"\naudiences = ["a"]\n`;
    const two = CONFIG.replace('["basic"]', '["oidc"]') + issuer('one') + issuer('two');
    expect(() => load(two)).toThrow(/group-\{group\} holds \{group\}/);
  });
});

describe('{user} in a path', () => {
  it('needs names that come from one place', () => {
    const two = CONFIG.replace('["basic"]', '["basic", "oidc"]').concat(
      '\n[[auth.issuers]]\nissuer = "https://sso.example"\naudiences = ["a"]\n',
    );
    expect(() => load(two)).toThrow(/home\/\{user\} holds \{user\}[^]*storage\.s3\[1\]\.buckets/);
  });
});
