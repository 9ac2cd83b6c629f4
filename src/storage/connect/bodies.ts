/** Bounds round a stream of bytes: it ends with an error when fewer or more come than were announced, when nothing moves for too long, and when it is called off; its source is closed in every case. */
import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import type { MagnetarError } from '../../kernel/errors.ts';
import { createDigestCheck, type Digest } from './digests.ts';
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

/** Bytes round those of the source, which do not count. */
export interface Frame {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

interface Rules {
  /** The body counts as stalled also while the reader takes nothing, to the last byte. */
  readonly watchReader: boolean;
  readonly short: () => MagnetarError;
  readonly long: () => MagnetarError;
  readonly stalled: () => MagnetarError;
  readonly broken: (error: unknown) => Error;
  readonly onPiece?: (piece: Uint8Array) => void;
  /** What is wrong with all of it. */
  readonly judge?: () => MagnetarError | undefined;
  readonly around?: Frame;
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

interface Listeners {
  readonly onPiece: (piece: Uint8Array) => void;
  readonly onEnd: () => void;
  /** Also when it closes before its end. */
  readonly onBreak: (error: unknown) => void;
}

/** Nothing flows before it is asked for. */
const listen = (source: Readable, { onPiece, onEnd, onBreak }: Listeners): void => {
  let ended = false;
  source.on('data', onPiece);
  source.on('end', () => {
    ended = true;
    onEnd();
  });
  source.on('error', onBreak);
  source.on('close', () => {
    if (!ended) onBreak(CUT);
  });
  source.pause();
  if (source.destroyed) onBreak(source.errored ?? CUT);
};

const bind = (source: Readable, bounds: BodyBounds, rules: Rules): BoundBody => {
  const { size, signal } = bounds;
  let count = 0;
  let ended = false;
  /** Bytes that the reader had not taken when it was looked at last, after the end of the source. */
  let left = Infinity;
  const onStall = (): void => {
    const isTaken = ended && body.readableLength < left;
    left = body.readableLength;
    if (isTaken) timer.wind();
    else body.destroy(rules.stalled());
  };
  const timer = createStallTimer(bounds.stallMs, onStall);
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
  body.on('error', () => undefined); // it may be called off before anybody listens

  const onPiece = (piece: Uint8Array): void => {
    count += piece.length;
    rules.onPiece?.(piece);
    if (size !== undefined && count > size) body.destroy(rules.long());
    else if (body.push(piece)) timer.wind();
    else {
      source.pause();
      if (rules.watchReader) timer.wind();
      else timer.stop();
    }
  };
  const onEnd = (): void => {
    ended = true;
    if (!rules.watchReader) timer.stop();
    const wrong = size !== undefined && count < size ? rules.short() : rules.judge?.();
    if (wrong !== undefined) {
      body.destroy(wrong);
      return;
    }
    if (rules.around !== undefined) body.push(rules.around.tail);
    left = body.readableLength;
    body.push(null);
  };
  if (rules.around !== undefined) body.push(rules.around.head);
  listen(source, { onPiece, onEnd, onBreak: (error) => body.destroy(rules.broken(error)) });
  setMaxListeners(0, signal); // as many as there are transfers under way: no leak to warn of
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return { body, count: () => count };
};

const bytes = (n: number): string => `${String(n)} bytes`;

export interface IncomingBounds extends BodyBounds {
  /** Of all that comes, as the storage says. */
  readonly digest?: Digest;
  /** What an error of the source means, where it is none of the connection. */
  readonly faultOf?: (url: string, error: unknown) => MagnetarError | undefined;
}

/**
 * What a storage sends. A short body is worth another try: the connection may have been cut. Bytes that differ from their checksum are not:
 * a try that goes on behind them would keep the wrong ones.
 */
export const incomingBody = (source: Readable, bounds: IncomingBounds): Readable => {
  const { url, size = 0, digest } = bounds;
  const check = digest === undefined ? undefined : createDigestCheck(digest);
  const bound = bind(source, bounds, {
    watchReader: false,
    short: () => unavailable(url, `broke off after ${bytes(bound.count())} of ${String(size)}`),
    long: () => failed(url, `sends more than the ${bytes(size)} it announced`),
    stalled: () => unavailable(url, `sends nothing for ${String(bounds.stallMs / 1000)} s`),
    broken: (error) => bounds.faultOf?.(url, error) ?? connectionFailure(url, error),
    onPiece: (piece) => check?.take(piece),
    judge: () =>
      check?.holds() === false
        ? failed(url, `its bytes differ from the ${digest?.algorithm ?? ''} checksum it sends`)
        : undefined,
  });
  return bound.body;
};

export interface OutgoingBounds extends BodyBounds {
  readonly around?: Frame;
}

/** What a storage is sent: errors of the source stay what they are, and a storage that takes nothing is not waited for. */
export const outgoingBody = (source: Readable, bounds: OutgoingBounds): BoundBody => {
  const { url, size = 0, around } = bounds;
  const bound: BoundBody = bind(source, bounds, {
    watchReader: true,
    ...(around === undefined ? {} : { around }),
    short: () =>
      failed(url, `there are only ${bytes(bound.count())} to be stored, not ${String(size)}`),
    long: () => failed(url, `there are more than the ${bytes(size)} to be stored`),
    stalled: () => unavailable(url, `takes nothing for ${String(bounds.stallMs / 1000)} s`),
    broken: (error) =>
      error instanceof Error ? error : failed(url, 'what was to be stored broke off'),
  });
  return bound;
};
