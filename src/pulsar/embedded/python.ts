/** Finds the Python that the embedded Pulsar and the job runner use: the real interpreter, not a version manager's shim. */
import { MagnetarError } from '../../kernel/errors.ts';
import { runCommand } from './command.ts';

export interface Python {
  /** Absolute real path. */
  readonly path: string;
  readonly version: string;
}

export interface FindPythonOptions {
  /** Use this one and no other. */
  readonly python?: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** The pinned packages have wheels for these (requirements.txt); cryptography refuses 3.9.0 and 3.9.1. */
const OLDEST = { minor: 9, micro: 2 };
const NEWEST_MINOR = 14;
const RANGE = `Python 3.${String(OLDEST.minor)}.${String(OLDEST.micro)} to 3.${String(NEWEST_MINOR)}`;

const isInRange = (major: unknown, minor: number, micro: number): boolean => {
  if (major !== 3 || minor > NEWEST_MINOR) return false;
  return minor > OLDEST.minor || (minor === OLDEST.minor && micro >= OLDEST.micro);
};

/** Tried in this order; the first that fits is taken. */
const CANDIDATES = [
  'python3',
  'python3.13',
  'python3.12',
  'python3.11',
  'python3.14',
  'python3.10',
  'python3.9',
  '/usr/bin/python3',
  '/usr/local/bin/python3',
  '/opt/homebrew/bin/python3',
] as const;

const PROBE = `
import json, os, sys
from importlib.util import find_spec
base = getattr(sys, '_base_executable', None) or sys.executable
print(json.dumps({
    'path': os.path.realpath(base), 'major': sys.version_info[0], 'minor': sys.version_info[1],
    'version': '.'.join(map(str, sys.version_info[:3])), 'kind': sys.implementation.name,
    'venv': find_spec('venv') is not None and find_spec('ensurepip') is not None}))
`;

interface Found extends Python {
  readonly fits: boolean;
  readonly venv: boolean;
}

const decodeFound = (text: string): Found | undefined => {
  try {
    const value = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const { path, version, major, minor, kind, venv } = value;
    if (typeof path !== 'string' || typeof version !== 'string' || typeof minor !== 'number') {
      return undefined;
    }
    const micro = Number(version.split('.')[2]);
    const fits = kind === 'cpython' && isInRange(major, minor, micro);
    return { path, version, fits, venv: venv === true };
  } catch {
    return undefined;
  }
};

const look = async (program: string, options: FindPythonOptions): Promise<Found | undefined> => {
  const { environment, signal } = options;
  const result = await runCommand(program, ['-I', '-c', PROBE], { environment, signal });
  return result.code === 0 ? decodeFound(result.stdout.join('')) : undefined;
};

const complaint = (found: readonly Found[], named: string | undefined): string => {
  const withoutVenv = found.find((one) => one.fits);
  if (withoutVenv !== undefined) {
    const debian = 'on Debian and Ubuntu: apt-get install python3-venv';
    return `the Python at ${withoutVenv.path} lacks the modules venv and ensurepip; ${debian}`;
  }
  const other = 'or name the path of another: python = "PATH" under [[destinations]]';
  if (found.length > 0) {
    const list = [...new Set(found.map((one) => `${one.version} (${one.path})`))].join(', ');
    return `the embedded Pulsar needs ${RANGE}; found ${list}: install one, ${other}`;
  }
  if (named !== undefined) return `no Python answers at ${named}: name the path of ${RANGE}`;
  const debian = 'on Debian and Ubuntu: apt-get install python3 python3-venv';
  return `no python3 found on the PATH: install ${RANGE} (${debian}), ${other}`;
};

/** Throws STARTUP that says what to install. */
export const findPython = async (options: FindPythonOptions): Promise<Python> => {
  const candidates = options.python === undefined ? CANDIDATES : [options.python];
  const found: Found[] = [];
  for (const program of candidates) {
    const one = await look(program, options);
    if (one === undefined) continue;
    if (one.fits && one.venv) return { path: one.path, version: one.version };
    found.push(one);
  }
  throw new MagnetarError('STARTUP', complaint(found, options.python));
};
