/** Reads `Idempotency-Key`: whatever text the client chose, as it stands. */
import type { Request } from 'express';
import { MagnetarError } from '../kernel/errors.ts';

const HEADER = 'idempotency-key';
const MOST_CHARS = 255;

/** @throws MagnetarError BAD_REQUEST */
export const idempotencyKeyOf = (req: Request): { readonly key?: string } => {
  const key = req.get(HEADER);
  if (key === undefined) return {};
  if (key !== '' && key.length <= MOST_CHARS) return { key };
  const message = `must have 1 to ${String(MOST_CHARS)} characters`;
  throw new MagnetarError('BAD_REQUEST', `Idempotency-Key ${message}`, {
    details: [{ field: 'Idempotency-Key', message }],
  });
};
