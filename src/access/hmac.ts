/** HMAC-SHA256 (RFC 2104) of texts from one-shot digests: Node's own makes an object for each, which costs a busy server more than the sum. */
import { hash, randomBytes } from 'node:crypto';

const BLOCK_BYTES = 64;

/** Answers the function for one key of at most 64 bytes. */
export const createHmac = (key: Uint8Array): ((text: string) => string) => {
  const pad = (byte: number): Uint8Array =>
    Uint8Array.from({ length: BLOCK_BYTES }, (_, n) => byte ^ (key[n] ?? 0));
  const [inner, outer] = [pad(0x36), pad(0x5c)];
  return (text) => {
    const first = hash('sha256', Buffer.concat([inner, Buffer.from(text)]), 'buffer');
    return hash('sha256', Buffer.concat([outer, first]), 'base64');
  };
};

export const newKey = (): Uint8Array => randomBytes(BLOCK_BYTES);
