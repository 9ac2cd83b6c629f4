/** The files of users and API tokens: private, whole, one writer at a time, followed while they change. */
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { followRows } from '../../../src/access/private-file.ts';
import { createApiToken, listApiTokens, revokeApiToken } from '../../../src/access/tokens.ts';
import { addUser, listUsers, removeUser, USERS } from '../../../src/access/users.ts';
import { recordingLogger, type LogLine } from '../../integration/api/harness.ts';
import { createTempFolder } from '../../support/temp-folder.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const created = '2026-01-01T00:00:00.000Z';
const password = 'long enough';
const pathIn = (folder = createTempFolder()): string => join(folder, 'below', 'users.json');

describe('users', () => {
  it('are added, changed, listed and removed; only their owner reads the file', async () => {
    const path = pathIn();
    expect(await listUsers(path)).toEqual([]);
    await addUser(path, { name: 'alice', password, created });
    await addUser(path, { name: 'bob@example.org', password, created });
    const [before] = await listUsers(path);
    await addUser(path, { name: 'alice', password: 'another one', created });
    const users = await listUsers(path);
    expect(users.map(({ name }) => name)).toEqual(['bob@example.org', 'alice']);
    expect(users[1]?.hash).not.toBe(before?.hash);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).not.toContain('another one');
    await removeUser(path, 'alice');
    expect((await listUsers(path)).map(({ name }) => name)).toEqual(['bob@example.org']);
    await expect(removeUser(path, 'alice')).rejects.toThrow(/no user alice/);
  });

  it.each(['', 'a:b', 'a b', '-a', 'a/b', 'x'.repeat(64), 'ä'])(
    'refuses the name %j',
    async (name) => {
      await expect(addUser(pathIn(), { name, password, created })).rejects.toThrow(/user name/);
    },
  );

  it('refuses a short password and leaves no file', async () => {
    const path = pathIn();
    await expect(addUser(path, { name: 'a', password: '1234567', created })).rejects.toThrow(
      /at least 8/,
    );
    expect(existsSync(path)).toBe(false);
  });

  it('lets one command write at a time, and keeps the file when one fails', async () => {
    const path = pathIn();
    await addUser(path, { name: 'a', password, created });
    writeFileSync(`${path}.new`, '');
    await expect(addUser(path, { name: 'b', password, created })).rejects.toThrow(
      /another command is writing/,
    );
    rmSync(`${path}.new`);
    await expect(removeUser(path, 'nobody')).rejects.toThrow();
    expect(existsSync(`${path}.new`)).toBe(false);
    expect(await listUsers(path)).toHaveLength(1);
  });

  it.each(['{', '[]', '{"users": [{"name": "a"}]}', '{"users": {}}'])(
    'names a file that holds %j',
    async (text) => {
      const path = join(createTempFolder(), 'users.json');
      writeFileSync(path, text);
      await expect(listUsers(path)).rejects.toThrow(path);
    },
  );
});

describe('API tokens', () => {
  it('are random, kept as a hash, listed by id and revoked by it', async () => {
    const path = pathIn();
    const one = await createApiToken(path, { name: 'robot', created });
    const two = await createApiToken(path, { name: 'robot', created });
    expect(one).toMatch(/^mag_[0-9a-f]{12}_[\w-]{43}$/);
    expect(one).not.toBe(two);
    const rows = await listApiTokens(path);
    expect(rows.map(({ id }) => id)).toEqual([one, two].map((token) => token.split('_')[1]));
    const text = readFileSync(path, 'utf8');
    for (const token of [one, two]) expect(text).not.toContain(token.split('_').slice(2).join('_'));
    await revokeApiToken(path, rows[0]?.id ?? '');
    expect(await listApiTokens(path)).toEqual(rows.slice(1));
    await expect(revokeApiToken(path, 'none')).rejects.toThrow(/no token none/);
    await expect(createApiToken(path, { name: 'a b', created })).rejects.toThrow(/a name has/);
  });
});

describe('followRows', () => {
  const follow = (path: string, parse = USERS.parse) => {
    const clock = createVirtualClock();
    const lines: LogLine[] = [];
    const names = followRows({
      path,
      form: { ...USERS, parse },
      index: (rows) => rows.map(({ name }) => name),
      clock,
      logger: recordingLogger(lines),
    });
    return { clock, lines, names };
  };

  it('notices a change within a second, and looks no more often', async () => {
    const path = pathIn();
    const { clock, names } = follow(path);
    expect(await names()).toEqual([]);
    await addUser(path, { name: 'a', password, created });
    expect(await names()).toEqual([]);
    await clock.advance(1000);
    expect(await Promise.all([names(), names()])).toEqual([['a'], ['a']]);
    rmSync(path);
    await clock.advance(1000);
    expect(await names()).toEqual([]);
  });

  it('keeps what it knew of a file that breaks, and says so once', async () => {
    const path = pathIn();
    await addUser(path, { name: 'a', password, created });
    const { clock, lines, names } = follow(path);
    expect(await names()).toEqual(['a']);
    writeFileSync(path, 'broken');
    chmodSync(path, 0o600);
    for (let n = 0; n < 3; n += 1) {
      await clock.advance(1000);
      expect(await names()).toEqual(['a']);
    }
    expect(lines).toMatchObject([{ level: 'error', fields: { file: path } }]);
  });

  it('takes over what could not be read at first, as when too many files were open', async () => {
    const path = pathIn();
    await addUser(path, { name: 'a', password, created });
    let failures = 0;
    const { clock, lines, names } = follow(path, (text) => {
      if (failures === 2) return USERS.parse(text);
      failures += 1;
      throw new Error('too many open files');
    });
    expect(await names()).toEqual([]);
    await clock.advance(1000);
    expect(await names()).toEqual([]);
    await clock.advance(1000);
    expect(await names()).toEqual(['a']);
    expect(lines).toHaveLength(1);
  });

  it('says that a file is out of reach', async () => {
    const folder = createTempFolder();
    writeFileSync(join(folder, 'no-folder'), '');
    const { lines, names } = follow(join(folder, 'no-folder', 'users.json'));
    expect(await names()).toEqual([]);
    expect(lines).toMatchObject([{ level: 'error' }]);
  });
});
