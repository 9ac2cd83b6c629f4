/** Checksums that a storage offers for what it sends, by the headers of HTTP. */
import { createHash } from 'node:crypto';

interface Algorithm {
  /** As Node calls it. */
  readonly hash: string;
  readonly bytes: number;
}

/** By the names of RFC 3230 and RFC 9530, the strongest first. */
const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  'sha-512': { hash: 'sha512', bytes: 64 },
  'sha-256': { hash: 'sha256', bytes: 32 },
  md5: { hash: 'md5', bytes: 16 },
};

export interface Digest {
  readonly algorithm: string;
  readonly value: Buffer;
}

/** `sha-256=:…:` of RFC 9530 or `SHA-256=…` of RFC 3230; other algorithms of a list are left out. */
const ITEM = /^\s*([\w-]+)\s*=\s*(:?)([A-Za-z\d+/]+={0,2})\2\s*(?:;.*)?$/;

const digestOf = (name: string, base64: string): readonly Digest[] => {
  const algorithm = name.toLowerCase();
  const known = Object.hasOwn(ALGORITHMS, algorithm) ? ALGORITHMS[algorithm] : undefined;
  const value = Buffer.from(base64, 'base64');
  return value.length === known?.bytes ? [{ algorithm, value }] : [];
};

const listed = (text: string | undefined): readonly Digest[] =>
  (text ?? '').split(',').flatMap((item) => {
    const [, name = '', , value = ''] = ITEM.exec(item) ?? [];
    return digestOf(name, value);
  });

/** The strongest checksum that the answer with a whole file offers; what cannot be one is left out. */
export const offeredDigest = (header: (name: string) => string | undefined): Digest | undefined => {
  const offered = [
    ...['repr-digest', 'content-digest', 'digest'].flatMap((name) => listed(header(name))),
    ...digestOf('md5', header('content-md5') ?? ''),
  ];
  const strongest = Object.keys(ALGORITHMS).find((name) =>
    offered.some(({ algorithm }) => algorithm === name),
  );
  return offered.find(({ algorithm }) => algorithm === strongest);
};

export interface DigestCheck {
  take(piece: Uint8Array): void;
  /** Once, after the last piece. */
  holds(): boolean;
}

export const createDigestCheck = ({ algorithm, value }: Digest): DigestCheck => {
  const hash = createHash(ALGORITHMS[algorithm]?.hash ?? algorithm);
  return {
    take(piece) {
      hash.update(piece);
    },
    holds: () => hash.digest().equals(value),
  };
};
