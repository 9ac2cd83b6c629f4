/** Password hashes by scrypt, each with its own salt and the parameters it was made with. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { createTurns } from '../kernel/turns.ts';

interface Parameters {
  /** Two to this power is N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and about a fifth of a second (OWASP Password Storage Cheat Sheet, scrypt). */
const PARAMETERS: Parameters = { ln: 15, r: 8, p: 3 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** What a line of the file may ask of this process. */
const MOST = { ln: 20, r: 16, p: 16 } as const satisfies Parameters;

/** Beyond what the parameters need by themselves. */
const ROOM = 2 ** 20;

const FORM =
  /^scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9_-]{16,64})\$([A-Za-z0-9_-]{43})$/;

interface Parsed {
  readonly parameters: Parameters;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

const parse = (text: string): Parsed | undefined => {
  const [, ln, r, p, salt, hash] = FORM.exec(text) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  const parameters = { ln: Number(ln), r: Number(r), p: Number(p) };
  const isBounded = (['ln', 'r', 'p'] as const).every(
    (name) => parameters[name] >= 1 && parameters[name] <= MOST[name],
  );
  return isBounded
    ? { parameters, salt: Buffer.from(salt, 'base64url'), hash: Buffer.from(hash, 'base64url') }
    : undefined;
};

export const isPasswordHash = (text: string): boolean => parse(text) !== undefined;

/** RFC 8265: the same characters, however the keyboard composes them. */
const derive = (password: string, salt: Buffer, { ln, r, p }: Parameters): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const options = { N: 2 ** ln, r, p, maxmem: ROOM + 256 * 2 ** ln * r };
    scrypt(password.normalize('NFC'), salt, HASH_BYTES, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });

export const hashPassword = async (password: string): Promise<string> => {
  const salt = randomBytes(SALT_BYTES);
  const { ln, r, p } = PARAMETERS;
  const hash = await derive(password, salt, PARAMETERS);
  const parts = [`ln=${String(ln)},r=${String(r)},p=${String(p)}`, salt, hash];
  return `scrypt$${parts.map((part) => (typeof part === 'string' ? part : part.toString('base64url'))).join('$')}`;
};

/** A hash that no password has, so that an unknown user costs what a known one does. */
export const DECOY = `scrypt$ln=${String(PARAMETERS.ln)},r=${String(PARAMETERS.r)},p=${String(PARAMETERS.p)}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

const AT_ONCE = 2;
const MOST_WAITING = 64;

export type CheckPassword = (password: string, hash: string) => Promise<boolean>;

/** Two at a time: whoever tries passwords uses neither all memory nor all threads. */
export const createCheckPassword = (): CheckPassword => {
  const turns = createTurns(AT_ONCE, MOST_WAITING);
  return async (password, hash) => {
    const parsed = parse(hash);
    if (parsed === undefined) return false;
    const { salt, parameters } = parsed;
    const given = await turns.run(() => derive(password, salt, parameters));
    return timingSafeEqual(given, parsed.hash);
  };
};
