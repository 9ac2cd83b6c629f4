/** Tells whether files changed since a step was last done, by their names, sizes and times. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inRoot } from './run.mjs';

const filesBelow = (entry) => {
  const full = inRoot(entry);
  if (!existsSync(full)) return [];
  if (!statSync(full).isDirectory()) return [entry];
  return readdirSync(full, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .map((item) => path.relative(inRoot(), path.join(item.parentPath, item.name)));
};

/** The names, sizes and times of everything below the entries, as one digest. */
export const digestOf = (entries) => {
  const hash = createHash('sha256');
  for (const file of entries.flatMap(filesBelow).sort()) {
    const { size, mtimeMs } = statSync(inRoot(file));
    hash.update(`${file}\0${size}\0${mtimeMs}\0`);
  }
  return hash.digest('hex');
};

export const isCurrent = (stampFile, digest) =>
  existsSync(stampFile) && readFileSync(stampFile, 'utf8') === digest;

export const writeStamp = (stampFile, digest) => {
  mkdirSync(path.dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, digest);
};
