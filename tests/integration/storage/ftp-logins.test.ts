import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createAddressGuard } from '../../../src/storage/connect/address-guard.ts';
import { openConnection } from '../../../src/storage/ftp/connection.ts';
import { look } from '../../../src/storage/ftp/look.ts';
import { placeOf } from '../../../src/storage/ftp/places.ts';
import { closing, failing, ftpStorage, never, readText, writeText } from '../../support/storage/ftp-client.ts'; // prettier-ignore
import {
  FTP_PASSWORD,
  FTP_USER,
  startFtpServer,
  type FtpServer,
  type FtpServerOptions,
} from '../../support/storage/ftp-server.ts';
import { startScriptedFtp } from '../../support/storage/scripted-ftp.ts';

const ODD_LOGIN = `${encodeURIComponent('o@d:d/u')}:${encodeURIComponent('p@s:s/w%?#')}`;
const allow = ['localhost', '127.0.0.1'];

describe('a login to an FTP server', () => {
  let server: FtpServer;
  let host = '';
  beforeAll(async () => {
    server = await startFtpServer({ tls: false });
    host = `localhost:${String(server.port)}`;
    await server.put(['blob'], Buffer.from('bytes'));
  });
  afterAll(() => server.stop());

  it('is anonymous when nobody is named: it reads and may not write', async () => {
    const storage = ftpStorage();
    expect(await readText(storage, `ftp://${host}/blob`)).toBe('bytes');
    const write = writeText(storage, `ftp://${host}/new`, 'x');
    await expect(write).rejects.toEqual(failing('STORAGE_DENIED'));
  });

  it('is the one of the URL, percent-decoded', async () => {
    const storage = ftpStorage();
    await writeText(storage, `ftp://${ODD_LOGIN}@${host}/by-odd`, 'odd');
    expect((await server.get(['by-odd']))?.toString()).toBe('odd');
  });

  it('is the configured one of the host, which the URL goes before', async () => {
    const storage = ftpStorage({ hosts: [{ host, user: FTP_USER, password: FTP_PASSWORD }] });
    await writeText(storage, `ftp://${host}/by-svc`, 'svc');
    expect((await server.get(['by-svc']))?.toString()).toBe('svc');
    const other = writeText(storage, `ftp://svc:wrong@${host}/by-svc`, 'x');
    await expect(other).rejects.toEqual(failing('STORAGE_DENIED'));
  });

  it('is never shown to another host or port', async () => {
    const other = await closing(startScriptedFtp());
    other.files.set('/blob', Buffer.from('x'));
    const storage = ftpStorage({
      hosts: [
        { host: 'localhost', user: FTP_USER, password: FTP_PASSWORD },
        { host: `127.0.0.1:${String(server.port)}`, user: FTP_USER, password: FTP_PASSWORD },
      ],
    });
    await readText(storage, `ftp://127.0.0.1:${String(other.port)}/blob`);
    expect(other.said).toContain('USER anonymous');
    expect(other.said.join()).not.toContain(FTP_PASSWORD);
  });
});

describe('FTP over TLS', () => {
  const start = async (options: Partial<FtpServerOptions> = {}): Promise<FtpServer> => {
    const server = await startFtpServer({ tls: true, ...options });
    onTestFinished(() => server.stop());
    return server;
  };
  const hosts = [{ host: 'localhost', user: FTP_USER, password: FTP_PASSWORD }];

  it('stores 50 empty files, each of them', async () => {
    const { ca, port, files } = await start();
    const storage = ftpStorage({ ca, hosts });
    for (let n = 0; n < 50; n += 1) {
      await writeText(storage, `ftps://localhost:${String(port)}/f${String(n)}`, '');
    }
    expect(await files([])).toHaveLength(50);
  });

  it('refuses a certificate for another host before it tells the password', async () => {
    const { ca, port } = await start({ host: 'other.example' });
    const stat = ftpStorage({ ca, hosts }).stat(`ftps://localhost:${String(port)}/x`, never());
    const error = failing('STORAGE_FAILED', 'its certificate is for another name');
    await expect(stat).rejects.toEqual(error);
  });

  it('refuses a certificate of an authority that is not trusted', async () => {
    const { port } = await start();
    const stat = ftpStorage({ hosts }).stat(`ftps://localhost:${String(port)}/x`, never());
    await expect(stat).rejects.toEqual(failing('STORAGE_FAILED', 'its certificate is not trusted'));
  });

  it('does without TLS on no server: one that offers none hears no password', async () => {
    const server = await closing(startScriptedFtp());
    const storage = ftpStorage({ hosts });
    const stat = storage.stat(`ftps://localhost:${String(server.port)}/x`, never());
    await expect(stat).rejects.toEqual(failing('STORAGE_FAILED', 'does not offer TLS'));
    expect(server.said).not.toContain(`USER ${FTP_USER}`);
  });

  it('from the first byte, as on port 990, is read', async () => {
    const { ca, port, put } = await start({ implicit: true });
    await put(['blob'], Buffer.from('bytes'));
    const url = `ftps://localhost:${String(port)}/blob`;
    const place = { ...placeOf(url, hosts), security: 'implicit' } as const;
    const options = { guard: createAddressGuard({ allow }), stallMs: 20_000, ca };
    const connection = await openConnection(options, place, never().signal);
    expect(await look(connection, url, place.path)).toMatchObject({ kind: 'file', size: 5 });
    expect(await connection.client.list()).toHaveLength(1);
    connection.close();
  });
});
