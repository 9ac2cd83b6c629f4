/** Storing on an FTP server: under a temporary name in the same folder, which gets its own name when all is there. */
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { FTPError } from 'basic-ftp';
import { isMagnetarError } from '../../kernel/errors.ts';
import { unavailable } from '../connect/failures.ts';
import { temporaryName } from '../connect/temporary-name.ts';
import type { FtpConnection } from './connection.ts';
import { ftpFailure } from './failures.ts';
import { lookFor, sizeAt } from './look.ts';

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

/**
 * Ends no sooner than TLS is agreed on, and sent: basic-ftp takes a resumed session for an agreed one and would close the connection
 * of an empty file in the midst of its handshake; Node sends no close_notify as long as a write before it waits for its event, which is
 * a turn of the loop. To the server both are connections that were cut (alert 50).
 */
async function* untilSecured(
  body: AsyncIterable<Uint8Array>,
  { secured }: FtpConnection,
): AsyncGenerator<Uint8Array> {
  yield* body;
  await secured();
  await setImmediate();
}

/** Names from the folder of the login on. */
type Names = readonly string[];

const move = async ({ client, pathOf }: FtpConnection, from: Names, to: Names): Promise<void> => {
  await client.send(`RNFR ${pathOf(from)}`);
  await client.send(`RNTO ${pathOf(to)}`);
};

/** For servers that do not rename onto a file: the old one steps aside first, and comes back when the new one is refused still. */
const moveOver = async (
  connection: FtpConnection,
  from: Names,
  to: Names,
  url: string,
): Promise<void> => {
  try {
    await move(connection, from, to);
  } catch (error) {
    if (!(error instanceof FTPError) || (await lookFor(connection, url, to))?.kind !== 'file') {
      throw error;
    }
    const aside = [...to.slice(0, -1), temporaryName()];
    await move(connection, to, aside);
    try {
      await move(connection, from, to);
    } catch (again) {
      await move(connection, aside, to);
      throw again;
    }
    await connection.client.sendIgnoringError(`DELE ${connection.pathOf(aside)}`);
  }
};

export interface Upload {
  readonly body: Readable;
  /** Bytes that `body` held so far. */
  readonly count: () => number;
  readonly temporary: Names;
  readonly names: Names;
}

/** @throws MagnetarError, or what `body` ended with */
export const upload = async (
  connection: FtpConnection,
  url: string,
  { body, count, temporary, names }: Upload,
): Promise<void> => {
  try {
    await connection.client.uploadFrom(
      Readable.from(untilSecured(body, connection), { highWaterMark: 1 }),
      connection.pathOf(temporary),
    );
    // the end of the connection is the end of the file: to the server a cut is as good as an end
    const stored = await sizeAt(connection, temporary);
    if (stored !== undefined && stored !== count()) {
      throw unavailable(url, `only ${String(stored)} of ${String(count())} bytes arrived`);
    }
    await moveOver(connection, temporary, names, url);
  } catch (error) {
    if (body.errored !== null) throw body.errored;
    throw isMagnetarError(error) ? error : ftpFailure(url, error, 'write');
  }
};
