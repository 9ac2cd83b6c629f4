import { Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import {
  closing,
  failing,
  ftpStorage,
  listAll,
  never,
  readText,
  writeText,
} from '../../support/storage/ftp-client.ts';
import {
  startScriptedFtp,
  type ScriptedFtp,
  type ScriptedOptions,
} from '../../support/storage/scripted-ftp.ts';
import { until } from '../../support/until.ts';

const start = async (options?: ScriptedOptions): Promise<{ server: ScriptedFtp; at: string }> => {
  const server = await closing(startScriptedFtp({ features: ['SIZE'], ...options }));
  for (const name of ['a', 'b', 'c']) server.files.set(`/${name}`, Buffer.from(name));
  return { server, at: `ftp://127.0.0.1:${String(server.port)}` };
};

describe('connections to an FTP server', () => {
  it('serve one file after another', async () => {
    const { server, at } = await start();
    const storage = ftpStorage();
    for (const name of ['a', 'b', 'c']) expect(await readText(storage, `${at}/${name}`)).toBe(name);
    await writeText(storage, `${at}/d`, 'd');
    await listAll(storage, `${at}/`);
    expect(server.connections()).toBe(1);
    expect(server.said.filter((line) => line === 'NOOP')).toHaveLength(4);
  });

  it('are replaced when the server closed them meanwhile, or answers no more', async () => {
    const { server, at } = await start({ script: { NOOP: () => '421 too late' } });
    const storage = ftpStorage();
    for (const name of ['a', 'b']) expect(await readText(storage, `${at}/${name}`)).toBe(name);
    expect(server.connections()).toBe(2);
  });

  it('are thrown away when their work failed', async () => {
    const { server, at } = await start();
    const storage = ftpStorage();
    await expect(readText(storage, `${at}/none`)).rejects.toEqual(failing('STORAGE_MISSING'));
    await readText(storage, `${at}/a`);
    expect(server.connections()).toBe(2);
  });

  it('are thrown away when their reader left', async () => {
    const { server, at } = await start();
    server.files.set('/big', Buffer.alloc(8 * 1024 * 1024));
    const storage = ftpStorage();
    const { body } = await storage.read(`${at}/big`, never());
    body.destroy();
    await readText(storage, `${at}/a`);
    expect(server.connections()).toBe(2);
  });

  it('are never used for another login', async () => {
    const { server, at } = await start();
    const storage = ftpStorage();
    await readText(storage, `${at}/a`);
    await readText(storage, `${at.replace('//', '//other:secret@')}/a`);
    expect(server.connections()).toBe(2);
    expect(server.said).toContain('USER other');
  });

  it('are as many at once as are allowed, the others wait for their turn', async () => {
    let now = 0;
    let most = 0;
    const { server, at } = await start({
      script: {
        SIZE: async () => {
          now += 1;
          most = Math.max(most, now);
          await until(() => most === 3, { what: 'three at once' });
          now -= 1;
          return undefined;
        },
      },
    });
    const storage = ftpStorage({ connections: 3 });
    const names = Array.from({ length: 24 }, (_, n) => ['a', 'b', 'c'][n % 3]!);
    const texts = await Promise.all(names.map((name) => readText(storage, `${at}/${name}`)));
    expect(texts).toEqual(names);
    expect(most).toBe(3);
    expect(server.connections()).toBe(3);
  });

  it('are closed when they are idle for long, and all with the storage', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { server, at } = await start();
      const storage = ftpStorage();
      await readText(storage, `${at}/a`);
      const quits = () => server.said.filter((line) => line === 'QUIT').length;
      vi.advanceTimersByTime(29_000);
      expect(quits()).toBe(0);
      vi.advanceTimersByTime(2000);
      await until(() => quits() === 1, { what: 'end of the idle connection' });
      await readText(storage, `${at}/a`);
      await storage.close();
      await until(() => quits() === 2, { what: 'end of all connections' });
    } finally {
      vi.useRealTimers();
    }
  });

  it.each(['421 There are too many connected users', '530 Too many users, maximum is 2'])(
    'that are refused as one too many (%s) are worth another try',
    async (reply) => {
      const { at } = await start({ script: { USER: () => reply } });
      const error = failing('STORAGE_UNAVAILABLE');
      await expect(ftpStorage().stat(`${at}/a`, never())).rejects.toEqual(error);
    },
  );

  it('that are greeted with 421 are worth another try', async () => {
    const { at } = await start({ greeting: () => '421 too many connections' });
    const write = ftpStorage().write(`${at}/a`, Readable.from([]), never());
    await expect(write).rejects.toEqual(failing('STORAGE_UNAVAILABLE'));
  });
});
