/** A file of an FTP server as a stream that ends well only when the server says that all of it was sent. */
import { Readable, Writable } from 'node:stream';
import type { FtpConnection } from './connection.ts';
import { ftpFailure } from './failures.ts';
import type { Release } from './pool.ts';

const GO_ON = 350;

/** What FEAT says is not always so. */
export const canStartAt = async (
  { client, features }: FtpConnection,
  start: number,
): Promise<boolean> =>
  features.has('REST') && (await client.sendIgnoringError(`REST ${String(start)}`)).code === GO_ON;

/** Answers when the first bytes are here, or the server has said that there are none. @throws MagnetarError */
export const download = async (
  connection: FtpConnection,
  url: string,
  {
    path,
    start,
    release,
  }: { readonly path: string; readonly start: number; readonly release: Release },
): Promise<Readable> => {
  let goOn: (() => void) | undefined;
  let onFirst: () => void = () => undefined;
  const first = new Promise<void>((resolve) => {
    onFirst = resolve;
  });
  const source = new Readable({
    read() {
      const next = goOn;
      goOn = undefined;
      next?.();
    },
    destroy(error, done) {
      release(false);
      done(error);
    },
  });
  const sink = new Writable({
    write(piece: Uint8Array, _, done) {
      onFirst();
      if (source.push(piece)) done();
      else goOn = done;
    },
  });
  source.on('error', () => undefined);
  const sent = connection.client.downloadTo(sink, path, start).then(
    () => {
      release(true);
      source.push(null);
    },
    (error: unknown) => {
      source.destroy(ftpFailure(url, error));
    },
  );
  await Promise.race([first, sent]);
  if (source.errored !== null) throw source.errored;
  return source;
};
