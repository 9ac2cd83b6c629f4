/** Storages of FTP for tests, closed with their test; and what they answer, made short. */
import { Readable } from 'node:stream';
import { expect, onTestFinished } from 'vitest';
import { createAddressGuard } from '../../../src/storage/connect/address-guard.ts';
import { createFtpStorage, type FtpStorageOptions } from '../../../src/storage/ftp/ftp-storage.ts';
import type { ObjectStorage, StoredEntry } from '../../../src/tasks/ports/object-storage.ts';

export const never = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });

export const ftpStorage = (options: Partial<FtpStorageOptions> = {}): ObjectStorage => {
  const guard = createAddressGuard({ allow: ['localhost', '127.0.0.1'] });
  const storage = createFtpStorage({
    guard,
    hosts: [],
    stallMs: 20_000,
    connections: 8,
    ...options,
  });
  onTestFinished(() => storage.close());
  return storage;
};

export const closing = async <Thing extends { close(): Promise<void> }>(
  starting: Promise<Thing>,
): Promise<Thing> => {
  const thing = await starting;
  onTestFinished(() => thing.close());
  return thing;
};

export const readText = async (storage: ObjectStorage, url: string, start = 0): Promise<string> => {
  const { body } = await storage.read(url, { ...never(), start });
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces).toString();
};

export const writeText = (storage: ObjectStorage, url: string, text: string): Promise<number> =>
  storage.write(url, Readable.from([Buffer.from(text)]), never());

export const listAll = async (
  storage: ObjectStorage,
  url: string,
): Promise<readonly StoredEntry[]> => {
  const entries: StoredEntry[] = [];
  for await (const entry of storage.list(url, never())) entries.push(entry);
  return entries;
};

export const failing = (code: string, words = ''): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(words) as unknown });
