/** A logged-in connection to an FTP server: at a judged address, with TLS checked against the host's name, closed when it is called off. */
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Client, FTPError } from 'basic-ftp';
import { isMagnetarError } from '../../kernel/errors.ts';
import type { AddressGuard } from '../connect/address-guard.ts';
import { abortReason, failed } from '../connect/failures.ts';
import { ftpFailure } from './failures.ts';
import type { Place } from './places.ts';

export interface FtpConnection {
  readonly client: Client;
  /** Names of FEAT. */
  readonly features: ReadonlyMap<string, string>;
  /** The path as the server takes it: absolute, so that no name is read as an option or loses its blanks. */
  readonly pathOf: (names: readonly string[]) => string;
  close(): void;
}

export interface ConnectOptions {
  readonly guard: AddressGuard;
  readonly stallMs: number;
  readonly ca?: string;
}

/** One listing is held in memory. */
const LISTING_BYTES = 8 * 1024 * 1024;

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

/** @throws MagnetarError */
export const openConnection = async (
  { guard, stallMs, ca }: ConnectOptions,
  place: Place,
  signal: AbortSignal,
): Promise<FtpConnection> => {
  if (signal.aborted) throw abortReason(signal);
  const { address } = await guard.resolve(place.host, signal);
  const client = new Client(stallMs, {
    allowSeparateTransferHost: false,
    maxListingBytes: LISTING_BYTES,
  });
  const close = (): void => {
    signal.removeEventListener('abort', close);
    client.close();
  };
  signal.addEventListener('abort', close, { once: true });
  try {
    await openControl(client, place, address, ca);
    await client.sendIgnoringError('OPTS UTF8 ON');
    await client.login(place.user, place.password);
    await client.useDefaultSettings();
    const features = await client.features();
    const home = place.absolute ? '/' : await client.pwd();
    const base = home.endsWith('/') ? home : `${home}/`;
    return { client, features, pathOf: (names) => base + names.join('/'), close };
  } catch (error) {
    close();
    if (signal.reason !== undefined) throw abortReason(signal);
    throw isMagnetarError(error) ? error : ftpFailure(place.url, error);
  }
};
