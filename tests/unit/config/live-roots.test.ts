/** A live root is a root and a mount that tasks write: it keeps clear of what either must keep clear of. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

interface Root {
  readonly path: string;
  readonly mode?: string;
  readonly live?: boolean;
  readonly allow?: readonly string[];
}

interface Given {
  readonly roots: readonly Root[];
  readonly read?: string;
  readonly mount?: readonly [host: string, mode: 'ro' | 'rw'];
  readonly dangerous?: string;
  readonly far?: boolean;
}

const load = ({ roots, read, mount, dangerous, far = false }: Given) => {
  const base = createTempFolder();
  const at = (name: string): string => (path.isAbsolute(name) ? name : path.join(base, name));
  for (const name of ['stores/deep', 'other', 'homes']) {
    mkdirSync(at(name), { recursive: true });
  }
  const file = at('magnetar.toml');
  const tables = roots.map(
    ({ path: name, mode = 'rw', live = true, allow = ['*'] }) => `[[storage.file.roots]]
path = "${at(name)}"
mode = "${mode}"
live = ${String(live)}
allow = ${JSON.stringify(allow)}
`,
  );
  writeFileSync(
    file,
    `${dangerous === undefined ? '' : `allow_dangerous_mounts = ["${at(dangerous)}"]`}
[[destinations]]
name = "d"
${far ? 'transport = "rest"\nurl = "http://h"' : 'transport = "embedded"'}
mounts = [${mount === undefined ? '' : `{ host = "${at(mount[0])}", path = "/m", mode = "${mount[1]}" }`}]
[storage.file]
read = [${read === undefined ? '' : `"${at(read)}"`}]
${tables.join('')}`,
  );
  return loadConfig({ environment: {}, file }).config;
};

const LIVE: Root = { path: 'stores' };

describe('a live root', () => {
  it.each(['ro', 'wo'])('is refused with mode %s', (mode) => {
    expect(() => load({ roots: [{ ...LIVE, mode }] })).toThrow(
      'storage.file.roots[0].live: needs mode = "rw"',
    );
  });

  it.each<[string, Given]>([
    ['holds another root', { roots: [LIVE], read: 'stores/deep' }],
    ['lies in another root', { roots: [{ path: 'stores/deep' }], read: 'stores' }],
    ['is a root for others, who would only read', { roots: [LIVE], read: 'stores' }],
    ['holds another live root', { roots: [LIVE, { path: 'stores/deep' }] }],
    [
      'is the folder of a user elsewhere',
      { roots: [{ path: 'homes/{user}' }, { path: 'homes/{group}' }] },
    ],
    ['holds a mount that tasks only read', { roots: [LIVE], mount: ['stores/deep', 'ro'] }],
    ['holds a mount that tasks write', { roots: [LIVE], mount: ['stores/deep', 'rw'] }],
    [
      'lies in a mount that tasks write',
      { roots: [{ path: 'stores/deep' }], mount: ['stores', 'rw'] },
    ],
    ['is a folder of the system', { roots: [{ path: '/etc' }] }],
    ['holds the sockets of engines', { roots: [{ path: '/run' }] }],
  ])('is refused when it %s', (_what, given) => {
    expect(() => load(given)).toThrow('allow_dangerous_mounts');
  });

  it('is fine when the root is named', () => {
    const given = { roots: [LIVE], read: 'stores/deep' };
    expect(load({ ...given, dangerous: 'stores' }).storage.file.roots).toHaveLength(1);
  });

  it.each<[string, Given]>([
    ['beside other roots', { roots: [LIVE, { path: 'homes/{user}' }], read: 'other' }],
    ['given to two', { roots: [LIVE, { ...LIVE, allow: ['user:bob'] }] }],
    [
      'beside another below the same names',
      { roots: [{ path: 'homes/{user}/live' }, { path: 'homes/{user}/out', live: false }] },
    ],
    [
      'in a mount that tasks only read',
      { roots: [{ path: 'stores/deep' }], mount: ['stores', 'ro'] },
    ],
    [
      'where the destination does not see it',
      { roots: [LIVE], mount: ['stores/deep', 'ro'], far: true },
    ],
  ])('is fine %s', (_what, given) => {
    expect(load(given).storage.file.roots.map(({ mode }) => mode)).toContain('rw');
  });
});
