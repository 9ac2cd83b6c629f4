/** Compressed answers for clients that ask for them. */
import { constants } from 'node:zlib';
import compression from 'compression';
import type { RequestHandler } from 'express';

/** Below one packet there is nothing to gain. */
const LEAST_BYTES = 1024;

const WANTED = /\b(gzip|br|deflate)\b/;

/** The lowest levels: lists shrink to a fifth with them, and a higher one takes more time than a network saves. */
const OPTIONS: compression.CompressionOptions = {
  threshold: LEAST_BYTES,
  level: constants.Z_BEST_SPEED,
  brotli: { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } },
  filter: (req, res) => res.statusCode !== 206 && compression.filter(req, res), // a range is one of the plain bytes
};

/** Who does not ask pays nothing: the wrapper is put round the others' answers alone. */
export const createCompress = (): RequestHandler => {
  const compress = compression(OPTIONS);
  return (req, res, next) => {
    if (WANTED.test(req.get('accept-encoding') ?? '')) compress(req, res, next);
    else next();
  };
};
