/** Bodies that are being read take memory until they are answered, however slowly they come: together they may take so much. */
import type { Request, RequestHandler, Response } from 'express';
import { MagnetarError } from '../kernel/errors.ts';

const MIB = 1024 * 1024;

/** Sixteen of the largest by default; ordinary ones are not counted. */
const BODIES_BYTES = 256 * MIB;
const ORDINARY_BYTES = 64 * 1024;

const overloaded = (): MagnetarError =>
  new MagnetarError('OVERLOADED', 'too many large bodies are on their way; try again later', {
    headers: { 'retry-after': '5', connection: 'close' },
  });

/** NaN: it comes in chunks. A short body that is compressed may become as long as any. */
const lengthOf = ({ headers }: Request, limit: number): number =>
  /^(identity)?$/i.test(headers['content-encoding'] ?? '')
    ? Number(headers['content-length'])
    : limit;

/**
 * Refuses a large body while others fill the room. One without Content-Length is counted as it comes, and cut where the room ends;
 * one longer than `limit` is refused by its reader.
 * @throws MagnetarError OVERLOADED; ABORTED for a client who has left already, whose end nobody would hear of
 */
export const createBodyRoom = (limit: number): RequestHandler => {
  const room = Math.max(BODIES_BYTES, limit);
  let taken = 0;

  /** Holds bytes until the answer is sent or the client has left. */
  const holdFor = (res: Response) => {
    let held = 0;
    res.once('close', () => {
      taken -= held;
    });
    return (bytes: number): void => {
      held += bytes;
      taken += bytes;
    };
  };

  const countAsItComes = (req: Request, res: Response): void => {
    const hold = holdFor(res);
    req.on('data', (chunk: Buffer) => {
      hold(chunk.length);
      if (taken > room) req.destroy();
    });
  };

  return (req, res, next) => {
    if (res.destroyed) throw new MagnetarError('ABORTED', 'the client left');
    const announced = lengthOf(req, limit);
    if (Number.isNaN(announced)) countAsItComes(req, res);
    else if (announced > ORDINARY_BYTES && announced <= limit) {
      if (taken + announced > room) throw overloaded();
      holdFor(res)(announced);
    }
    next();
  };
};
