/** Seals with AES-256-GCM under keys derived from the install secret (ADR 0013). */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { MagnetarError } from '../kernel/errors.ts';
import type { SealPlace, SecretBox } from '../tasks/ports/secret-box.ts';

/** version (1) · name of the key (4) · nonce (12) · ciphertext · tag (16), as base64url */
const VERSION = 1;
const NAME_AT = 1;
const NONCE_AT = 5;
const TEXT_AT = 17;
const TAG_BYTES = 16;

const derive = (installSecret: string, label: string, bytes: number): Buffer =>
  Buffer.from(hkdfSync('sha256', installSecret, '', `magnetar ${label}`, bytes));

const unreadable = (why: string, options: { readonly cause?: unknown } = {}): MagnetarError =>
  new MagnetarError('SECRET_UNREADABLE', `the secrets of the task cannot be read: ${why}`, options);

const boundTo = ({ task, index }: SealPlace): Buffer => Buffer.from(`${task}/${String(index)}`);

export const createSecretBox = (installSecret: string): SecretBox => {
  const key = derive(installSecret, 'task secrets', 32);
  const name = derive(installSecret, 'name of the key of task secrets', NONCE_AT - NAME_AT);
  const printKey = derive(installSecret, 'prints of requests', 32);
  return {
    seal(place, bytes) {
      const nonce = randomBytes(TEXT_AT - NONCE_AT);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(boundTo(place));
      const text = Buffer.concat([cipher.update(bytes), cipher.final()]);
      const sealed = [Buffer.from([VERSION]), name, nonce, text, cipher.getAuthTag()];
      return Buffer.concat(sealed).toString('base64url');
    },
    open(place, sealed) {
      const all = Buffer.from(sealed, 'base64url');
      if (all[0] !== VERSION || all.length < TEXT_AT + TAG_BYTES) {
        throw unreadable('they were not written by this version of the program');
      }
      if (!all.subarray(NAME_AT, NONCE_AT).equals(name)) {
        throw unreadable(
          'they were sealed with another install secret; give the server the `secret` it had, or create the task anew',
        );
      }
      const nonce = all.subarray(NONCE_AT, TEXT_AT);
      const options = { authTagLength: TAG_BYTES };
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, options)
        .setAAD(boundTo(place))
        .setAuthTag(all.subarray(-TAG_BYTES));
      try {
        return Buffer.concat([
          decipher.update(all.subarray(TEXT_AT, -TAG_BYTES)),
          decipher.final(),
        ]);
      } catch (cause) {
        throw unreadable('they were changed, or belong to another task', { cause });
      }
    },
    print: (text) => createHmac('sha256', printKey).update(text).digest('base64url'),
  };
};
