/** The body of an answer, piece by piece: counted, and a broken connection told apart from trouble of whoever receives it. */
import type { Readable } from 'node:stream';
import { MagnetarError } from '../../kernel/errors.ts';
import type { Take } from '../../tasks/ports/job-transport.ts';

/** What went wrong where the pieces went, not on the way from Pulsar. */
export class ReceiverFailure extends Error {}

export interface Bounds {
  readonly maxBytes: number;
  readonly tooLarge: () => MagnetarError;
  readonly brokenOff: () => MagnetarError;
}

async function* bounded(body: Readable, bounds: Bounds): AsyncGenerator<Uint8Array> {
  let left = bounds.maxBytes;
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      left -= piece.length;
      if (left < 0) throw bounds.tooLarge();
      yield piece;
    }
  } catch (error) {
    throw error instanceof MagnetarError ? error : bounds.brokenOff();
  }
}

export const handOn = async (body: Readable, take: Take, bounds: Bounds): Promise<void> => {
  try {
    await take(bounded(body, bounds));
  } catch (error) {
    throw new ReceiverFailure('the receiver failed', { cause: error });
  } finally {
    body.destroy();
  }
};
