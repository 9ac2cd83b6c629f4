/** Makes the virtual environment with the pinned Pulsar: once, whole or not at all. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MagnetarError } from '../../kernel/errors.ts';
import { runCommand } from './command.ts';
import { createPipReader, pipComplaint, type OnProgress } from './pip-output.ts';
import { findPython, type Python } from './python.ts';

export interface InstallOptions {
  readonly venv: string;
  readonly python?: string;
  /** For python and pip: PATH, HOME and whatever pip needs to reach its index. */
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

export interface Installation {
  /** The interpreter inside the virtual environment. */
  readonly program: string;
  /** The real interpreter it was made with; the job runner uses it too. */
  readonly python: string;
}

/** Made by scripts/lock-pulsar.sh. */
const REQUIREMENTS = fileURLToPath(new URL('./requirements.txt', import.meta.url));
/** Written last: a virtual environment without it is half-made. */
const MARKER = 'magnetar.json';

interface Marker {
  readonly requirements: string;
  readonly python: string;
}

const decodeMarker = (text: string): Marker | undefined => {
  try {
    const { requirements, python } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const sound = typeof requirements === 'string' && typeof python === 'string';
    return sound ? { requirements, python } : undefined;
  } catch {
    return undefined;
  }
};

/** Changes with each change of a pinned package. */
export const requirementsHash = async (): Promise<string> =>
  createHash('sha256')
    .update(await readFile(REQUIREMENTS))
    .digest('hex');

const isProgram = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

const programOf = (venv: string): string => join(venv, 'bin', 'python');

/** The installation when it is whole, of the pinned packages, and its Python still there. */
const existing = async (options: InstallOptions): Promise<Installation | undefined> => {
  const text = await readFile(join(options.venv, MARKER), 'utf8').catch(() => '');
  const marker = decodeMarker(text);
  if (marker?.requirements !== (await requirementsHash())) return undefined;
  const program = programOf(options.venv);
  const usable = (await isProgram(marker.python)) && (await isProgram(program));
  return usable ? { program, python: marker.python } : undefined;
};

const makeVenv = async (python: Python, options: InstallOptions): Promise<void> => {
  const { venv, environment, signal, onProgress } = options;
  onProgress(`making a Python environment with Python ${python.version} (${python.path})`);
  await rm(venv, { recursive: true, force: true });
  await mkdir(dirname(venv), { recursive: true, mode: 0o700 });
  const made = await runCommand(python.path, ['-I', '-m', 'venv', venv], { environment, signal });
  if (made.code === 0) return;
  const last = made.output.at(-1) ?? 'no output';
  throw new MagnetarError('STARTUP', `cannot make a Python environment in ${venv}: ${last}`);
};

const PIP_ARGS = ['-I', '-m', 'pip', 'install', '--require-hashes', '--no-deps', '--no-input'];
const PIP_LIMITS = [
  '--only-binary=:all:',
  '--disable-pip-version-check',
  '--retries=3',
  '--no-user',
];

const installPackages = async (options: InstallOptions): Promise<void> => {
  const { venv, environment, signal, onProgress } = options;
  const pinned = (await readFile(REQUIREMENTS, 'utf8')).match(/^\S+==/gm)?.length ?? 0;
  const args = [...PIP_ARGS, ...PIP_LIMITS, '--requirement', REQUIREMENTS];
  const onLine = createPipReader(pinned, onProgress);
  const done = await runCommand(programOf(venv), args, { environment, signal, onLine });
  if (done.code === 0) return;
  throw new MagnetarError('STARTUP', `cannot install Pulsar: ${pipComplaint(done.output)}`);
};

/**
 * Answers the installation, making it when it is missing, half-made or of other packages. What pip has downloaded stays
 * in its cache, so a broken first start goes on where it was. Throws STARTUP that says what to do.
 */
export const ensureInstalled = async (options: InstallOptions): Promise<Installation> => {
  const named = options.python === undefined ? undefined : await findPython({ ...options });
  const found = await existing(options);
  if (found !== undefined && (named === undefined || named.path === found.python)) return found;
  const python = named ?? (await findPython({ ...options }));
  await makeVenv(python, options);
  await installPackages(options);
  const marker: Marker = { requirements: await requirementsHash(), python: python.path };
  await writeFile(join(options.venv, MARKER), JSON.stringify(marker), { mode: 0o600 });
  return { program: programOf(options.venv), python: python.path };
};
