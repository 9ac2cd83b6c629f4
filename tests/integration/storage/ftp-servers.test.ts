import { describe, expect, it } from 'vitest';
import {
  closing,
  failing,
  ftpStorage,
  listAll,
  never,
  readText,
  writeText,
} from '../../support/storage/ftp-client.ts';
import { startScriptedFtp, type ScriptedOptions } from '../../support/storage/scripted-ftp.ts';

const start = async (options: ScriptedOptions = {}) => {
  const server = await closing(startScriptedFtp(options));
  server.files.set('/blob', Buffer.from('0123456789'));
  const at = `ftp://127.0.0.1:${String(server.port)}`;
  return { server, at, storage: ftpStorage() };
};

const lines = (...shown: readonly string[]): string => shown.map((line) => `${line}\r\n`).join('');

/** A server whose LIST is `text`. */
const listing = (text: string) =>
  start({
    script: {
      LIST: async (_, { control, data }) => {
        control.write('150 here it comes\r\n');
        (await data()).end(text);
        return '226 all sent';
      },
    },
  });

describe('an FTP server', () => {
  it('with EPSV alone is read', async () => {
    const { at, storage } = await start({ script: { PASV: () => '502 no' } });
    expect(await readText(storage, `${at}/blob`)).toBe('0123456789');
  });

  it('with PASV alone is read at the address that was connected to, whatever PASV names', async () => {
    const { at, storage, server } = await start({ script: { EPSV: () => '502 no' } });
    expect(await readText(storage, `${at}/blob`)).toBe('0123456789');
    expect(await readText(storage, `${at}/blob`)).toBe('0123456789');
    expect(server.said.filter((line) => line === 'EPSV')).toHaveLength(1);
  });

  it.each(['229 (|||x|)', '229 (|||99999|)', '229 what'])(
    'that answers %j to EPSV is STORAGE_FAILED',
    async (reply) => {
      const { at, storage } = await start({ script: { EPSV: () => reply } });
      await expect(readText(storage, `${at}/blob`)).rejects.toEqual(failing('STORAGE_FAILED'));
    },
  );

  it('without MLST, SIZE and MDTM shows its files in its lists', async () => {
    const { at, storage } = await start();
    expect(await storage.stat(`${at}/blob`, never())).toEqual({ kind: 'file', size: 10 });
    await expect(storage.stat(`${at}/none`, never())).rejects.toEqual(failing('STORAGE_MISSING'));
  });

  it.each([
    ['without REST', {}],
    ['that announces REST and refuses it', { features: ['REST STREAM'], script: { REST: () => '502 no' } }], // prettier-ignore
  ])('%s is read from the begin', async (_, options) => {
    const { at, storage } = await start(options);
    const { body, start: from } = await storage.read(`${at}/blob`, { ...never(), start: 4 });
    body.destroy();
    expect(from).toBe(0);
  });

  it('with REST is read from an offset', async () => {
    const { at, storage } = await start({ features: ['REST STREAM', 'SIZE'] });
    expect(await readText(storage, `${at}/blob`, 4)).toBe('456789');
  });

  it('with lists of Unix shows names with blanks, and what its links lead to', async () => {
    const { at, storage, server } = await listing(
      lines(
        'total 3',
        'drwxr-xr-x   2 own grp     4096 Jan 01 10:00 .',
        '-rw-r--r--   1 own grp       10 Jan  1  2020 two  words',
        'lrwxrwxrwx   1 own grp        4 Jan 01 10:00 latest -> blob',
        'lrwxrwxrwx   1 own grp        4 Jan 01 10:00 broken -> nothing',
      ),
    );
    server.files.set('/latest', Buffer.from('x'));
    const shown = (await listAll(storage, `${at}/`)).map(({ path, kind }) => [...path, kind]);
    expect(shown).toContainEqual(['two  words', 'file']);
    expect(shown).toContainEqual(['latest', 'file']);
  });

  it('with lists of DOS is read', async () => {
    const { at, storage } = await listing(
      lines('12-05-20  05:03PM                   17 a file.txt'),
    );
    expect(await listAll(storage, `${at}/`)).toEqual([
      { kind: 'file', path: ['a file.txt'], url: `${at}/a%20file.txt`, size: 17 },
    ]);
  });

  it.each([
    ['nonsense', lines('-rw-r--r-- 1 o g 1 Jan 01 10:00 good', 'what is this?')],
    ['a name with a slash', lines('-rw-r--r-- 1 o g 1 Jan 01 10:00 ../../etc/passwd')],
    ['a control character', lines('-rw-r--r-- 1 o g 1 Jan 01 10:00 a\rDELE b')],
    ['9 MiB', '-rw-r--r-- 1 o g 1 Jan 01 10:00 x\r\n'.repeat(280_000)],
  ])('whose list holds %s is STORAGE_FAILED', async (_, text) => {
    const { at, storage } = await listing(text);
    await expect(listAll(storage, `${at}/`)).rejects.toEqual(failing('STORAGE_FAILED'));
  });

  it('whose folders never end is STORAGE_FAILED', async () => {
    const server = await closing(
      startScriptedFtp({
        script: {
          CWD: () => '250 there',
          LIST: async (_, { control, data }) => {
            control.write('150 here it comes\r\n');
            (await data()).end('drwxr-xr-x 2 o g 0 Jan 01 10:00 again\r\n');
            return '226 all sent';
          },
        },
      }),
    );
    const list = listAll(ftpStorage(), `ftp://127.0.0.1:${String(server.port)}/`);
    await expect(list).rejects.toEqual(failing('STORAGE_FAILED', '64 folders deep'));
  });

  it('that refuses to look at a path is STORAGE_DENIED, not STORAGE_MISSING', async () => {
    const refuse = () => '550 Permission denied';
    const { at, storage } = await start({
      features: ['SIZE'],
      script: { SIZE: refuse, CWD: refuse },
    });
    await expect(storage.stat(`${at}/blob`, never())).rejects.toEqual(failing('STORAGE_DENIED'));
  });

  it('never hears a command that hides in a name', async () => {
    const { at, storage, server } = await start();
    for (const url of [`${at}/a%0D%0ADELE%20blob`, `${at}/a%0ADELE%20blob`]) {
      await expect(writeText(storage, url, 'x')).rejects.toEqual(failing('STORAGE_FAILED'));
    }
    expect(server.said).toEqual([]);
  });
});

describe('storing on an FTP server', () => {
  const refusesOver = (folders: readonly string[] = []): ScriptedOptions => {
    const there = new Set(['/blob', ...folders]);
    return {
      features: ['SIZE'],
      script: {
        RNFR: (path) => (there.delete(path), undefined),
        RNTO: (path) => (there.has(path) ? '553 it is there' : (there.add(path), undefined)),
      },
    };
  };

  it('that does not rename onto a file replaces it still, and leaves nothing beside it', async () => {
    const { at, storage, server } = await start(refusesOver());
    await writeText(storage, `${at}/blob`, 'new');
    expect([...server.files]).toEqual([['/blob', Buffer.from('new')]]);
  });

  it('keeps the old file when the new one cannot take its place at all', async () => {
    const { at, storage, server } = await start({
      features: ['SIZE'],
      script: {
        RNTO: (path, { from }) =>
          path === '/blob' && server.files.get(from)?.toString() === 'new' ? '553 no' : undefined,
      },
    });
    await expect(writeText(storage, `${at}/blob`, 'new')).rejects.toEqual(
      failing('STORAGE_DENIED'),
    );
    expect([...server.files]).toEqual([['/blob', Buffer.from('0123456789')]]);
  });

  it('does not move a folder out of the way', async () => {
    const { at, storage, server } = await start(refusesOver(['/folder']));
    server.folders.add('/folder');
    await expect(writeText(storage, `${at}/folder`, 'x')).rejects.toEqual(
      failing('STORAGE_DENIED'),
    );
    expect(server.folders).toContain('/folder');
    expect([...server.files.keys()]).toEqual(['/blob']);
  });

  it('makes the folders above, also those that others make meanwhile', async () => {
    const { at, storage, server } = await start({ features: ['SIZE'] });
    const names = Array.from({ length: 8 }, (_, n) => String(n));
    const work = names.map((name) => writeText(storage, `${at}/x/y/z/${name}`, name));
    expect(await Promise.all(work)).toEqual(names.map(() => 1));
    expect([...server.folders]).toEqual(['/', '/x', '/x/y', '/x/y/z']);
  });

  it.each([
    ['552 quota', 'STORAGE_FAILED'],
    ['452 no room', 'STORAGE_UNAVAILABLE'],
    ['550 Permission denied', 'STORAGE_DENIED'],
  ])('that is answered %j is %s', async (reply, code) => {
    const { at, storage } = await start({ script: { STOR: () => reply } });
    await expect(writeText(storage, `${at}/new`, 'x')).rejects.toEqual(failing(code));
  });
});
