/** The streams of executors whose end alone fits the task: which were cut, and how the whole of them is kept beside it. */
import type { Report } from './report.ts';

export const STREAMS = ['stdout', 'stderr'] as const;

export type Stream = (typeof STREAMS)[number];

export interface StreamName {
  readonly executor: number;
  readonly stream: Stream;
}

export interface CutStream extends StreamName {
  /** What the executor wrote; 0 = not known. */
  readonly bytes: number;
}

/** How the runner marks a tail, in its first line (`tail` in runner/src/streams.py, `fit` in runner/src/job.py). */
const MARK = /^\[(cut|the last \d+ of \d+ bytes)\]\n/;

/** An executor may write such a line itself: then its whole log is kept without need. */
export const isCut = (text: string): boolean => MARK.test(text);

export const cutStreams = ({ executors }: Report): readonly CutStream[] =>
  executors.flatMap((executor) =>
    STREAMS.filter((stream) => isCut(executor[stream])).map((stream) => ({
      executor: executor.i,
      stream,
      bytes: executor[`${stream}_bytes`],
    })),
  );

/** The streams of one executor of which nobody knows how much it wrote. */
export const wholeStreams = (executor: number): readonly CutStream[] =>
  STREAMS.map((stream) => ({ executor, stream, bytes: 0 }));

/** Where the runner keeps a stream, below the job's `metadata/`. */
export const logFileOf = ({ executor, stream }: StreamName): string =>
  `tes/${String(executor)}.${stream}`;

/** The pieces, and a last line that tells when the runner kept fewer bytes than there were. */
export async function* withCutMarked(
  pieces: AsyncIterable<Uint8Array>,
  total: number,
): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const piece of pieces) {
    seen += piece.length;
    yield piece;
  }
  const mark = `\n[the first ${String(seen)} of ${String(total)} bytes]\n`;
  if (seen < total) yield new TextEncoder().encode(mark);
}
