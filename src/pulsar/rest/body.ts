/** The body of an answer, piece by piece: counted, and a broken connection told apart from trouble of whoever receives it. */
import type { Readable } from 'node:stream';
import { MagnetarError } from '../../kernel/errors.ts';
import type { Silence } from './silence.ts';
import type { Take } from '../../tasks/ports/job-transport.ts';

/** What went wrong where the pieces went, not on the way from Pulsar. */
export class ReceiverFailure extends Error {}

export interface Bounds {
  readonly maxBytes: number;
  readonly tooLarge: () => MagnetarError;
  readonly brokenOff: () => MagnetarError;
  readonly silence?: Silence;
}

/** `onBreak` hears of trouble on the way, whatever the receiver makes of it. */
async function* bounded(
  body: Readable,
  { maxBytes, tooLarge, brokenOff, silence }: Bounds,
  onBreak: (error: MagnetarError) => void,
): AsyncGenerator<Uint8Array> {
  let left = maxBytes;
  try {
    silence?.wait();
    for await (const piece of body as AsyncIterable<Buffer>) {
      left -= piece.length;
      if (left < 0) throw tooLarge();
      silence?.stop();
      yield piece;
      silence?.wait();
    }
  } catch (error) {
    const failure = error instanceof MagnetarError ? error : brokenOff();
    onBreak(failure);
    throw failure;
  } finally {
    silence?.stop();
  }
}

export const handOn = async (body: Readable, take: Take, bounds: Bounds): Promise<void> => {
  let broken: MagnetarError | undefined;
  const onBreak = (error: MagnetarError): void => {
    broken = error;
  };
  try {
    await take(bounded(body, bounds, onBreak));
  } catch (error) {
    if (broken !== undefined) throw broken;
    throw new ReceiverFailure('the receiver failed', { cause: error });
  } finally {
    body.destroy();
  }
};
