/** Mounts that tasks write must keep clear of the storage roots and of each other. */
import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

const folders = (...names: readonly string[]): string => {
  const base = createTempFolder();
  for (const name of names) mkdirSync(path.join(base, name), { recursive: true });
  return base;
};

interface Given {
  readonly base: string;
  readonly mounts: readonly (readonly [host: string, mode: 'ro' | 'rw'])[];
  readonly read?: string;
  readonly write?: string;
  readonly allow?: string;
  readonly dangerous?: string;
  readonly far?: boolean;
  /** One destination for each mount. */
  readonly apart?: boolean;
}

const load = ({ base, mounts, read, write, allow, dangerous, far = false, apart }: Given) => {
  const at = (name: string) => path.join(base, name);
  const rows = mounts.map(([host, mode], index) => ({
    host: at(host),
    path: `/m${String(index)}`,
    mode,
  }));
  const groups = apart === true ? rows.map((row) => [row]) : [rows];
  const tables = groups.map((group, index) => ({
    name: `d${String(index)}`,
    ...(far || index > 0
      ? { transport: 'rest', url: 'http://h', shared_filesystem: !far }
      : { transport: 'embedded' }),
    mounts: group,
  }));
  return loadConfig({
    environment: {
      MAGNETAR_DESTINATIONS: JSON.stringify(tables),
      ...(read === undefined ? {} : { MAGNETAR_STORAGE__FILE__READ: at(read) }),
      ...(write === undefined ? {} : { MAGNETAR_STORAGE__FILE__WRITE: at(write) }),
      ...(dangerous === undefined ? {} : { MAGNETAR_ALLOW_DANGEROUS_MOUNTS: at(dangerous) }),
    },
    allow: allow === undefined ? [] : [at(allow)],
  });
};

describe('a mount that tasks write', () => {
  it.each([
    ['is a root', 'share', 'share'],
    ['holds a root', 'share', 'share/out'],
    ['lies in a root', 'share/out', 'share'],
  ])('is refused when it %s, with both named', (_what, host, root) => {
    const base = folders('share/out');
    for (const key of ['read', 'write', 'allow'] as const) {
      const given: Given = { base, mounts: [[host, 'rw']], [key]: root };
      expect(() => load(given)).toThrow('destinations[0].mounts: ');
      expect(() => load(given)).toThrow(`mount ${path.join(base, host)},`);
      expect(() => load(given)).toThrow(`${path.join(base, root)} of storage.file.`);
      expect(() => load(given)).toThrow('add the mount to allow_dangerous_mounts');
      expect(load({ ...given, dangerous: host }).config.destinations).toHaveLength(1);
    }
  });

  it('is found behind links', () => {
    const base = folders('share');
    symlinkSync('share', path.join(base, 'link'));
    expect(() => load({ base, mounts: [['link', 'rw']], read: 'share' })).toThrow('overlaps');
    expect(() => load({ base, mounts: [['share', 'rw']], write: 'link' })).toThrow('overlaps');
  });

  it('is fine beside the roots, or where only the names begin alike', () => {
    const base = folders('share', 'share-in', 'out');
    const { config } = load({ base, mounts: [['share', 'rw']], read: 'share-in', write: 'out' });
    expect(config.destinations).toHaveLength(1);
  });

  it('is fine on hosts that do not see the files of this server', () => {
    const base = folders('share');
    const given: Given = { base, mounts: [['share', 'rw']], read: 'share' };
    expect(load({ ...given, far: true }).config.destinations).toHaveLength(1);
  });
});

it('a mount that tasks only read may overlap with the roots', () => {
  const base = folders('share/in');
  const { config } = load({ base, mounts: [['share', 'ro']], read: 'share/in', write: 'share' });
  expect(config.destinations).toHaveLength(1);
});

describe('a mount in a mount', () => {
  it.each([false, true])('is refused where tasks write the outer one (apart: %s)', (apart) => {
    const base = folders('share/ref');
    const given: Given = {
      base,
      apart,
      mounts: [
        ['share', 'rw'],
        ['share/ref', 'ro'],
      ],
    };
    const [outer, inner] = [path.join(base, 'share'), path.join(base, 'share/ref')];
    expect(() => load(given)).toThrow(`the mount ${inner} lies in the mount ${outer},`);
    expect(load({ ...given, dangerous: 'share/ref' }).config.allow_dangerous_mounts).toHaveLength(
      1,
    );
  });

  it('is fine where tasks only read the outer one, and when both are the same', () => {
    const base = folders('share/ref');
    const nested: Given['mounts'] = [
      ['share', 'ro'],
      ['share/ref', 'rw'],
    ];
    expect(load({ base, mounts: nested }).config.destinations[0]?.mounts).toHaveLength(2);
    const twice: Given['mounts'] = [
      ['share', 'rw'],
      ['share', 'rw'],
    ];
    expect(load({ base, mounts: twice, apart: true }).config.destinations).toHaveLength(2);
  });
});
