/** A shell script that behaves like a Python with venv and pip, for tests of what may go wrong with one. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface FakePython {
  readonly version?: string;
  /** Lacks venv and ensurepip, as on a bare Debian. */
  readonly bare?: boolean;
  readonly kind?: string;
  /** What pip prints. */
  readonly pip?: readonly string[];
  readonly pipCode?: number;
  /** `python -m venv` fails with this. */
  readonly venvError?: string;
}

/** Writes it as `<folder>/<name>`; each start adds its arguments to `<folder>/calls`. */
export const writeFakePython = (folder: string, name: string, fake: FakePython = {}): string => {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, name);
  const { version = '3.12.1', bare = false, kind = 'cpython', pip = [], pipCode = 0 } = fake;
  const [major = 3, minor = 0] = version.split('.').map(Number);
  const probe = JSON.stringify({ path: file, major, minor, version, kind, venv: !bare });
  const lines = [
    '#!/bin/sh',
    `echo "$*" | head -1 >> '${folder}/calls'`,
    'case "$2 $3" in',
    `'-c '*) echo '${probe}' ;;`,
    fake.venvError === undefined
      ? `'-m venv') mkdir -p "$4/bin" && cp '${file}' "$4/bin/python" ;;`
      : `'-m venv') echo '${fake.venvError}' >&2; exit 1 ;;`,
    `'-m pip') ${pip.map((line) => `echo '${line}'; `).join('')}exit ${String(pipCode)} ;;`,
    'esac',
  ];
  writeFileSync(file, lines.join('\n') + '\n');
  chmodSync(file, 0o755);
  return file;
};
