import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
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
import { startScriptedFtp, type Script } from '../../support/storage/scripted-ftp.ts';
import { startSilentServer } from '../../support/storage/ports.ts';

const BYTES = randomBytes(300_000);

const start = async (script: Readonly<Record<string, Script>> = {}) => {
  const server = await closing(startScriptedFtp({ features: ['SIZE'], script }));
  server.files.set('/blob', BYTES);
  return { server, at: `ftp://127.0.0.1:${String(server.port)}` };
};

const CUTS = [0, 1, 1000, 65_536, BYTES.length - 1];

describe('an FTP transfer that is cut', () => {
  it.each(CUTS)('while it is read, after %i bytes, is STORAGE_UNAVAILABLE', async (at) => {
    const { at: base } = await start({
      RETR: async (_, { control, data }) => {
        control.write('150 here it comes\r\n');
        (await data()).end(BYTES.subarray(0, at));
        return '226 all sent, as far as this server knows';
      },
    });
    const read = readText(ftpStorage(), `${base}/blob`);
    await expect(read).rejects.toEqual(failing('STORAGE_UNAVAILABLE'));
  });

  it.each(CUTS)('while it is stored, after %i bytes, is never taken for all', async (at) => {
    const { at: base, server } = await start({
      STOR: async (path, { control, data }) => {
        control.write('150 give it\r\n');
        const socket = await data();
        let got = 0;
        for await (const piece of socket) {
          got += (piece as Uint8Array).length;
          if (got >= at) break;
        }
        server.files.set(path, BYTES.subarray(0, at));
        return '226 stored, as far as this server knows';
      },
    });
    const write = ftpStorage().write(`${base}/new`, Readable.from([BYTES]), never());
    await expect(write).rejects.toEqual(failing('STORAGE_UNAVAILABLE'));
    expect([...server.files.keys()]).toEqual(['/blob']);
  });

  it.each(['RETR', 'STOR', 'LIST', 'EPSV', 'CWD', 'PASS', 'FEAT'])(
    'with its control connection at %s is STORAGE_UNAVAILABLE',
    async (verb) => {
      const { at } = await start({
        [verb]: (_, { control }) => {
          if (verb === 'RETR' || verb === 'STOR') control.write('150 here\r\n');
          control.end();
          return '';
        },
      });
      const storage = ftpStorage();
      const work = {
        RETR: () => readText(storage, `${at}/blob`),
        STOR: () => writeText(storage, `${at}/new`, 'x'),
      }[verb];
      await expect(work?.() ?? listAll(storage, `${at}/`)).rejects.toEqual(
        failing('STORAGE_UNAVAILABLE'),
      );
    },
  );
});

describe('an FTP server that falls silent', () => {
  const silence: Script = () => '';

  it.each(['USER', 'SIZE', 'EPSV', 'RETR'])('at %s is not waited for', async (verb) => {
    const { at } = await start({ [verb]: silence });
    const read = readText(ftpStorage({ stallMs: 300 }), `${at}/blob`);
    await expect(read).rejects.toEqual(failing('STORAGE_UNAVAILABLE', 'no answer in time'));
  });

  it('in the midst of a file is not waited for', async () => {
    const { at } = await start({
      RETR: async (_, { control, data }) => {
        control.write('150 here it comes\r\n');
        (await data()).write(BYTES.subarray(0, 1000));
        return '';
      },
    });
    const read = readText(ftpStorage({ stallMs: 300 }), `${at}/blob`);
    await expect(read).rejects.toEqual(failing('STORAGE_UNAVAILABLE'));
  });

  it('from the begin, or at its TLS handshake, is not waited for', async () => {
    const silent = await closing(startSilentServer());
    const mute = await start({
      AUTH: (_, { control }) => (control.removeAllListeners('data').resume(), '234 go on'),
    });
    const storage = ftpStorage({ stallMs: 300 });
    const urls = [
      `ftp://127.0.0.1:${String(silent.port)}/x`,
      `ftps://127.0.0.1:${String(silent.port)}/x`,
      `${mute.at.replace('ftp:', 'ftps:')}/blob`,
    ];
    for (const url of urls) {
      const stat = storage.stat(url, never());
      await expect(stat).rejects.toEqual(failing('STORAGE_UNAVAILABLE', 'no answer in time'));
    }
  });

  it('at its TLS handshake is left at once by an abort', async () => {
    const off = new AbortController();
    const { at } = await start({
      AUTH: (_, { control }) => {
        control.removeAllListeners('data').resume();
        setImmediate(() => off.abort());
        return '234 go on';
      },
    });
    const stat = ftpStorage().stat(`${at.replace('ftp:', 'ftps:')}/blob`, { signal: off.signal });
    await expect(stat).rejects.toEqual(failing('ABORTED'));
  });
});
