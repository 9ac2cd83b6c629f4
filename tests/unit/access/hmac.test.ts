/** Our HMAC is the one of the standard. */
import { createHmac as standardHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHmac } from '../../../src/access/hmac.ts';

describe('createHmac', () => {
  it('agrees with Node for any text and key', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.integer({ min: 1, max: 64 }),
        (text, length) => {
          const key = randomBytes(length);
          const wanted = standardHmac('sha256', key).update(text).digest('base64');
          expect(createHmac(key)(text)).toBe(wanted);
        },
      ),
    );
  });
});
