/** A logged-in connection to an FTP server: at a judged address, with TLS checked against the host's name, closed when it is called off. */
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Client, FTPError } from 'basic-ftp';
import { isMagnetarError } from '../../kernel/errors.ts';
import type { AddressGuard } from '../connect/address-guard.ts';
import { abortReason, failed } from '../connect/failures.ts';
import { createDataConnections } from './data-connection.ts';
import { ftpFailure } from './failures.ts';
import type { Place } from './places.ts';

export interface FtpConnection {
  readonly client: Client;
  /** Names of FEAT. */
  readonly features: ReadonlyMap<string, string>;
  /** The path as the server takes it: absolute, so that no name is read as an option or loses its blanks. */
  readonly pathOf: (names: readonly string[]) => string;
  /** Until TLS is agreed on over the data connection that was opened last. */
  readonly secured: () => Promise<unknown>;
  /** Whether the server still answers. */
  isAlive(): Promise<boolean>;
  close(): void;
}

export interface ConnectOptions {
  readonly guard: AddressGuard;
  readonly stallMs: number;
  readonly ca?: string;
}

/** One listing is held in memory. */
const LISTING_BYTES = 8 * 1024 * 1024;
/** An answer to NOOP takes no work; a network that forgot the connection does not answer at all. */
const ALIVE_MS = 5000;

const tlsOptions = (host: string, ca: string | undefined): ConnectionOptions => ({
  ...(isIP(host) === 0 ? { servername: host } : { host }),
  ...(ca === undefined ? {} : { ca }),
});

const openControl = async (
  client: Client,
  place: Place,
  address: string,
  ca: string | undefined,
): Promise<void> => {
  const options = tlsOptions(place.host.replace(/^\[(.*)\]$/, '$1'), ca);
  if (place.security === 'implicit') {
    await client.connectImplicitTLS(address, place.port, options);
    return;
  }
  await client.connect(address, place.port);
  if (place.security === 'none') return;
  try {
    await client.useTLS(options);
  } catch (error) {
    throw error instanceof FTPError ? failed(place.url, 'its server does not offer TLS') : error;
  }
};

/** The folder that the login leads to; a quote in its name is doubled. */
const homeOf = async (client: Client): Promise<string> => {
  const home = /^257 "((?:[^"]|"")+)"/.exec((await client.send('PWD')).message)?.[1];
  if (home === undefined) throw new Error("Can't parse response to PWD");
  return home.replaceAll('""', '"');
};

const logIn = async (
  client: Client,
  place: Place,
): Promise<Pick<FtpConnection, 'features' | 'pathOf'>> => {
  await client.sendIgnoringError('OPTS UTF8 ON');
  await client.login(place.user, place.password);
  await client.useDefaultSettings();
  const features = await client.features();
  const home = place.absolute ? '/' : await homeOf(client);
  const base = home.endsWith('/') ? home : `${home}/`;
  return { features, pathOf: (names) => base + names.join('/') };
};

/** Rejects also where `work` would never hear that the client was closed: basic-ftp takes the listeners off what it closes. */
const orGone = <Result>(work: Promise<Result>, gone: AbortSignal): Promise<Result> =>
  new Promise((resolve, reject) => {
    gone.addEventListener('abort', () => reject(gone.reason as Error), { once: true });
    work.then(resolve, reject);
  });

/** @throws MagnetarError */
export const openConnection = async (
  { guard, stallMs, ca }: ConnectOptions,
  place: Place,
  signal: AbortSignal,
): Promise<FtpConnection> => {
  if (signal.aborted) throw abortReason(signal);
  const { address } = await guard.resolve(place.host, signal);
  const client = new Client(stallMs, { maxListingBytes: LISTING_BYTES });
  const gone = new AbortController();
  const data = createDataConnections(gone.signal);
  client.prepareTransfer = data.open;
  const closeFor = (reason: Error): void => {
    gone.abort(reason);
    client.close();
  };
  const close = (): void => closeFor(new Error('closed'));
  signal.addEventListener('abort', close, { once: true });
  // over TLS nobody else watches the time
  const timer = setTimeout(closeFor, stallMs, new Error('Timeout (control socket)'));
  try {
    await orGone(openControl(client, place, address, ca), gone.signal);
    clearTimeout(timer);
    return {
      client,
      ...(await logIn(client, place)),
      secured: data.secured,
      async isAlive() {
        const alarm = setTimeout(close, ALIVE_MS);
        const answer = client.closed ? undefined : await client.send('NOOP').catch(() => undefined);
        clearTimeout(alarm);
        return answer !== undefined;
      },
      close,
    };
  } catch (error) {
    close();
    if (signal.reason !== undefined) throw abortReason(signal);
    throw isMagnetarError(error) ? error : ftpFailure(place.url, error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', close);
  }
};
