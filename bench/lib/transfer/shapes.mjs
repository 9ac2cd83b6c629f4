/** What is moved: one large file, many of 100 KiB, a tree of 10,000 small ones. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const MIB = 1024 * 1024;
const BLOCK = randomBytes(8 * MIB);

const writeLarge = (path, mib) => {
  const fd = openSync(path, 'w');
  for (let left = mib; left > 0; left -= 8) writeSync(fd, BLOCK, 0, Math.min(left, 8) * MIB);
  closeSync(fd);
};

const range = (count) => Array.from({ length: count }, (_, n) => n);

/** `names`: below `folder`. */
export const SHAPES = {
  large: { folder: 'large', names: ['file'] },
  many: { folder: 'many', names: range(1000).map((n) => `f${String(n)}`), bytes: 100 * 1024 },
  tree: {
    folder: 'tree',
    names: range(10_000).map((n) => `d${String(Math.floor(n / 100))}/f${String(n)}`),
    bytes: 1024,
  },
  small: { folder: 'small', names: ['file'], bytes: 1024 },
  sparse: { folder: 'sparse', names: ['file'] },
};

const SPARSE_BYTES = 10 * 1024 * MIB;

const WRITE = {
  large: (path, { largeMib }) => writeLarge(path, largeMib),
  sparse: (path) => {
    writeFileSync(path, '');
    truncateSync(path, SPARSE_BYTES);
  },
};

export const makeData = (root, shape, largeMib) => {
  const { folder, names, bytes } = SHAPES[shape];
  const write = WRITE[shape] ?? ((path) => writeFileSync(path, BLOCK.subarray(0, bytes)));
  for (const name of names) {
    const path = join(root, folder, name);
    mkdirSync(dirname(path), { recursive: true });
    write(path, { largeMib });
  }
};

/** The same data below another folder of the file system; nobody writes into files that are there. */
export const linkData = (from, to, { folder, names }) => {
  for (const name of names) {
    mkdirSync(dirname(join(to, folder, name)), { recursive: true });
    linkSync(join(from, folder, name), join(to, folder, name));
  }
};

export const sizeOf = ({ names, bytes }, largeMib) =>
  bytes === undefined ? largeMib * MIB : bytes * names.length;
