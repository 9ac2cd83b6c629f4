/** A body whose last bytes are held back until a check has passed: without them nobody takes it for whole. */
import { Transform } from 'node:stream';

export const createLastCheck = (check: () => Promise<void>): Transform => {
  let held: Buffer | undefined;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const before = held;
      held = chunk;
      done(null, before);
    },
    flush(done) {
      check().then(
        () => done(null, held),
        (error: unknown) => done(error instanceof Error ? error : new Error()),
      );
    },
  });
};
