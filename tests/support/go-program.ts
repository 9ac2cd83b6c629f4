/** Programs of Go modules, each built once into `.cache/` with its version in its name. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));

const run = promisify(execFile);

export interface GoProgram {
  readonly name: string;
  /** Path of its package; the last part of it is what Go calls the file. */
  readonly source: string;
  readonly version: string;
}

/** Answers the path of the file. */
export const goProgram = async ({ name, source, version }: GoProgram): Promise<string> => {
  const file = join(CACHE, `${name}-${version}`);
  if (existsSync(file)) return file;
  const work = await mkdtemp(join(tmpdir(), `${name}-build-`));
  try {
    const env = { ...process.env, GOBIN: work };
    const args = ['install', '-trimpath', '-ldflags', '-s -w', `${source}@${version}`];
    await run('go', args, { cwd: work, env });
    await mkdir(CACHE, { recursive: true });
    const own = `${file}.${String(process.pid)}`;
    await cp(join(work, source.slice(source.lastIndexOf('/') + 1)), own);
    await rename(own, file);
    return file;
  } finally {
    await rm(work, { recursive: true });
  }
};
