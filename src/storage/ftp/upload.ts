/** Storing on an FTP server: under a temporary name in the same folder, which gets its own name when all is there. */
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { FTPError } from 'basic-ftp';
import type { FtpConnection } from './connection.ts';
import { ftpFailure } from './failures.ts';

/** Makes the folders that are missing; others may make them at the same time. @throws MagnetarError */
export const makeFolders = async (
  { client, pathOf }: FtpConnection,
  url: string,
  names: readonly string[],
): Promise<void> => {
  const enter = (): Promise<unknown> => client.send(`CWD ${pathOf(names)}`);
  try {
    await enter();
  } catch (error) {
    if (!(error instanceof FTPError)) throw ftpFailure(url, error);
    try {
      for (const [index] of names.entries()) {
        await client.sendIgnoringError(`MKD ${pathOf(names.slice(0, index + 1))}`);
      }
      await enter();
    } catch (other) {
      throw ftpFailure(url, other, 'write');
    }
  }
};

export const temporaryName = (): string => `.magnetar-${randomBytes(12).toString('hex')}.part`;

/** @throws MagnetarError, or what `body` ended with */
export const upload = async (
  { client }: FtpConnection,
  url: string,
  {
    body,
    temporary,
    path,
  }: { readonly body: Readable; readonly temporary: string; readonly path: string },
): Promise<void> => {
  try {
    await client.uploadFrom(body, temporary);
    await client.send(`RNFR ${temporary}`);
    await client.send(`RNTO ${path}`);
  } catch (error) {
    throw body.errored ?? ftpFailure(url, error, 'write');
  }
};
