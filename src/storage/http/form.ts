/** A file as the only field of a multipart form (RFC 7578), streamed. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';

export interface Form {
  readonly type: string;
  /** Bytes round the file. */
  readonly overhead: number;
  wrap(file: Readable): Readable;
}

/** As browsers write it. */
const quoted = (text: string): string =>
  text.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

export const createForm = (field: string, fileName: string): Form => {
  const boundary = `magnetar-${randomBytes(16).toString('hex')}`;
  const head = Buffer.from(
    `--${boundary}\r\ncontent-disposition: form-data; name="${quoted(field)}"; filename="${quoted(fileName)}"\r\n` +
      'content-type: application/octet-stream\r\n\r\n',
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    overhead: head.length + tail.length,
    wrap: (file) =>
      Readable.from(
        (async function* pieces(): AsyncGenerator<Uint8Array> {
          yield head;
          yield* file as AsyncIterable<Uint8Array>;
          yield tail;
        })(),
        { objectMode: false },
      ),
  };
};
