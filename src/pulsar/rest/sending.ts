/** The body of an upload: opened when its turn has come, closed in every case. */
import { Readable } from 'node:stream';
import type { JobUpload } from '../../tasks/ports/job-transport.ts';
import { ReceiverFailure } from './body.ts';
import type { Silence } from './silence.ts';

/** Ours is the time in which the source has no piece. */
async function* pieces(
  source: Readable,
  silence: Silence | undefined,
  onBreak: (error: unknown) => void,
) {
  try {
    silence?.stop();
    for await (const piece of source as AsyncIterable<Buffer>) {
      silence?.wait();
      yield piece;
      silence?.stop();
    }
    silence?.wait();
  } catch (error) {
    onBreak(error);
    throw error;
  }
}

const ignore = (): void => undefined;

/** Opens what is to be sent and closes it in every case. What it ends with is told apart from trouble of the connection. */
export const sending = async <Result>(
  open: () => Promise<JobUpload>,
  silence: Silence | undefined,
  send: (upload: JobUpload) => Promise<Result>,
): Promise<Result> => {
  let failure: ReceiverFailure | undefined;
  const onBreak = (cause: unknown): void => {
    failure = new ReceiverFailure('the source failed', { cause });
  };
  const upload = await open().catch((cause: unknown) => {
    throw new ReceiverFailure('the source cannot be opened', { cause });
  });
  const source = upload.body.on('error', ignore);
  const body = Readable.from(pieces(source, silence, onBreak), { objectMode: false });
  body.on('error', ignore);
  try {
    return await send({ ...upload, body });
  } catch (error) {
    throw failure ?? error;
  } finally {
    body.destroy();
    source.destroy();
  }
};
