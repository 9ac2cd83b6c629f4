/** A file as the only field of a multipart form (RFC 7578): what stands round its bytes. */
import { randomBytes } from 'node:crypto';
import type { Frame } from '../connect/bodies.ts';

export interface Form {
  readonly type: string;
  readonly frame: Frame;
  /** Bytes of the frame. */
  readonly overhead: number;
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
    frame: { head, tail },
    overhead: head.length + tail.length,
  };
};
