/** Certificates: one that does not hold ends the transfer for good, before a secret is sent. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { startTcpServer } from '../../support/storage/ports.ts';
import { makeCertificate } from '../../support/storage/certificate.ts';
import {
  expectFailure,
  openHttp,
  readText,
  startOrigin,
  type Serve,
} from '../../support/storage/http-origin.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

const hello: Serve = (_, response) => {
  response.end('hello');
};
const HOSTS = [{ host: '127.0.0.1', token: 'hidden' }];

describe('https', () => {
  it('is read with the credentials of its host where the certificate holds', async () => {
    const tls = await makeCertificate(createTempFolder(), 'IP:127.0.0.1');
    const origin = await startOrigin(hello, { tls });
    expect(await readText(openHttp({ ca: tls.cert, hosts: HOSTS }), origin.url)).toBe('hello');
    expect(origin.seen[0]?.headers.authorization).toBe('Bearer hidden');
  });

  it('with a certificate of nobody fails', async () => {
    const tls = await makeCertificate(createTempFolder(), 'IP:127.0.0.1');
    const origin = await startOrigin(hello, { tls });
    const error = await expectFailure(
      readText(openHttp({ hosts: HOSTS }), origin.url),
      'STORAGE_FAILED',
      'hidden',
    );
    expect(error.message).toBe(`${origin.url}/: its certificate is not trusted`);
    expect(error.row.retryable).toBe(false);
    expect(origin.seen).toHaveLength(0);
  });

  it('with a certificate for another name fails', async () => {
    const tls = await makeCertificate(createTempFolder(), 'DNS:other.example');
    const origin = await startOrigin(hello, { tls });
    const error = await expectFailure(
      readText(openHttp({ ca: tls.cert, hosts: HOSTS }), origin.url),
      'STORAGE_FAILED',
      'hidden',
    );
    expect(error.message).toBe(`${origin.url}/: its certificate is for another name`);
    expect(origin.seen).toHaveLength(0);
  });

  it('where no TLS is spoken fails', async () => {
    const server = await startTcpServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    onTestFinished(() => server.close());
    const url = `https://127.0.0.1:${String(server.port)}/`;
    await expectFailure(readText(openHttp(), url), 'STORAGE_FAILED');
  });

  it('is not left for http by a redirect', async () => {
    const plain = await startOrigin(hello);
    const tls = await makeCertificate(createTempFolder(), 'IP:127.0.0.1');
    const origin = await startOrigin(
      (_, response) => {
        response.writeHead(302, { location: `${plain.url}/x` }).end();
      },
      { tls },
    );
    const storage = openHttp({ ca: tls.cert, hosts: HOSTS });
    const error = await expectFailure(readText(storage, origin.url), 'STORAGE_REFUSED', 'hidden');
    expect(error.message).toContain('redirects from https to http');
    expect(plain.connections()).toBe(0);
  });
});
