/** The install secret: configured, or made once and kept in a 0600 file of the data directory; every key of a job is an HMAC of it. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MagnetarError } from '../kernel/errors.ts';

export interface InstallSecret {
  readonly secret: string;
  /** Public name of the installation; labels containers. */
  readonly server: string;
}

const FORM = /^[0-9a-f]{64}$/;

const isExisting = (error: unknown): boolean =>
  error instanceof Error && Reflect.get(error, 'code') === 'EEXIST';

const create = async (path: string): Promise<string> => {
  const secret = randomBytes(32).toString('hex');
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(secret);
    await file.sync();
  } finally {
    await file.close();
  }
  return secret;
};

const readOrCreate = async (path: string): Promise<string> => {
  try {
    return await create(path);
  } catch (error) {
    if (!isExisting(error)) throw error;
    return (await readFile(path, 'utf8')).trim();
  }
};

const secretOf = async (dataDirectory: string): Promise<string> => {
  const path = join(dataDirectory, 'secret');
  const secret = await readOrCreate(path);
  if (!FORM.test(secret)) {
    throw new MagnetarError(
      'STARTUP',
      `${path} holds no install secret; restore it from a backup, or remove it while no task is running`,
    );
  }
  return secret;
};

/**
 * Empty `configured` = the one of the data directory.
 * @throws MagnetarError STARTUP when its file is there but holds no secret
 */
export const loadInstallSecret = async (
  dataDirectory: string,
  configured: string,
): Promise<InstallSecret> => {
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const secret = configured === '' ? await secretOf(dataDirectory) : configured;
  const server = createHash('sha256').update(`server:${secret}`).digest('hex').slice(0, 12);
  return { secret, server };
};
