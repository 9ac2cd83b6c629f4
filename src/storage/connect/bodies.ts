/** Bounds round a stream of bytes: it ends with an error when fewer or more come than were announced, when nothing moves for too long, and when it is called off; its source is closed in every case. */
import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import type { MagnetarError } from '../../kernel/errors.ts';
import { abortReason, connectionFailure, failed, unavailable } from './failures.ts';

export interface BodyBounds {
  /** For messages; they show it without its secrets. */
  readonly url: string;
  /** Bytes that will come; absent = nobody has said. */
  readonly size?: number;
  /** Longest time without a byte. */
  readonly stallMs: number;
  readonly signal: AbortSignal;
}

/** Bytes kept between source and reader. */
const ROOM = 256 * 1024;

const CUT = Object.assign(new Error('the source was closed'), {
  code: 'ERR_STREAM_PREMATURE_CLOSE',
});

interface Rules {
  /** The source counts as stalled also while the reader takes nothing. */
  readonly watchReader: boolean;
  readonly short: () => MagnetarError;
  readonly long: () => MagnetarError;
  readonly stalled: () => MagnetarError;
  readonly broken: (error: unknown) => Error;
}

/** Runs out unless it is wound up again and again. */
const createStallTimer = (ms: number, onStall: () => void) => {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    wind(): void {
      if (timer === undefined) timer = setTimeout(onStall, ms);
      else timer.refresh();
    },
    stop,
  };
};

interface BoundBody {
  readonly body: Readable;
  /** Bytes that came from the source so far. */
  readonly count: () => number;
}

const bind = (source: Readable, bounds: BodyBounds, rules: Rules): BoundBody => {
  const { size, signal } = bounds;
  let count = 0;
  let ended = false;
  const timer = createStallTimer(bounds.stallMs, () => body.destroy(rules.stalled()));
  const onAbort = (): void => {
    body.destroy(abortReason(signal));
  };

  const body = new Readable({
    highWaterMark: ROOM,
    read() {
      if (!ended) timer.wind();
      source.resume();
    },
    destroy(error, done) {
      timer.stop();
      signal.removeEventListener('abort', onAbort);
      source.destroy();
      done(error);
    },
  });

  const fail = (error: unknown): void => {
    body.destroy(rules.broken(error));
  };
  source.on('data', (piece: Uint8Array) => {
    count += piece.length;
    if (size !== undefined && count > size) body.destroy(rules.long());
    else if (body.push(piece)) timer.wind();
    else {
      source.pause();
      if (rules.watchReader) timer.wind();
      else timer.stop();
    }
  });
  source.on('end', () => {
    ended = true;
    timer.stop();
    if (size !== undefined && count < size) body.destroy(rules.short());
    else body.push(null);
  });
  source.on('error', fail);
  source.on('close', () => {
    if (!ended) fail(CUT);
  });
  body.on('error', () => undefined); // it may be called off before anybody listens
  source.pause();
  setMaxListeners(0, signal); // as many as there are transfers under way: no leak to warn of
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  if (source.destroyed) fail(source.errored ?? CUT);
  return { body, count: () => count };
};

const bytes = (n: number): string => `${String(n)} bytes`;

/** What a storage sends. A short body is worth another try: the connection may have been cut. */
export const incomingBody = (source: Readable, bounds: BodyBounds): Readable => {
  const { url, size = 0 } = bounds;
  const bound = bind(source, bounds, {
    watchReader: false,
    short: () => unavailable(url, `broke off after ${bytes(bound.count())} of ${String(size)}`),
    long: () => failed(url, `sends more than the ${bytes(size)} it announced`),
    stalled: () => unavailable(url, `sends nothing for ${String(bounds.stallMs / 1000)} s`),
    broken: (error) => connectionFailure(url, error),
  });
  return bound.body;
};

/** What a storage is sent: errors of the source stay what they are, and a storage that takes nothing is not waited for. */
export const outgoingBody = (source: Readable, bounds: BodyBounds): BoundBody => {
  const { url, size = 0 } = bounds;
  const bound: BoundBody = bind(source, bounds, {
    watchReader: true,
    short: () =>
      failed(url, `there are only ${bytes(bound.count())} to be stored, not ${String(size)}`),
    long: () => failed(url, `there are more than the ${bytes(size)} to be stored`),
    stalled: () => unavailable(url, `takes nothing for ${String(bounds.stallMs / 1000)} s`),
    broken: (error) =>
      error instanceof Error ? error : failed(url, 'what was to be stored broke off'),
  });
  return bound;
};
