/** A file of an FTP server as a stream that ends well only when the server says that all of it was sent. */
import { Readable, Writable } from 'node:stream';
import type { FtpConnection } from './connection.ts';
import { ftpFailure } from './failures.ts';

/** Answers when the first bytes are here, or the server has said that there are none. @throws MagnetarError */
export const download = async (
  connection: FtpConnection,
  url: string,
  {
    path,
    start,
    onClose,
  }: { readonly path: string; readonly start: number; readonly onClose: () => void },
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
      onClose();
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
