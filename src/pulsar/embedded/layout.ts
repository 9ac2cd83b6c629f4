/** Where the embedded Pulsar keeps what, and who may enter. */
import { chmod, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MagnetarError } from '../../kernel/errors.ts';

export interface Layout {
  readonly root: string;
  readonly venv: string;
  readonly staging: string;
  readonly persistence: string;
  readonly dependencies: string;
  readonly temporary: string;
  /** Holds gunicorn's control socket, which it puts into $XDG_RUNTIME_DIR or else into the user's home. */
  readonly runtime: string;
  readonly serverIni: string;
  readonly appYml: string;
  readonly state: string;
  readonly log: string;
}

export interface FolderModes {
  /** The root and the staging folder: the way to a job's folder. */
  readonly way: number;
  /** Everything else. */
  readonly inner: number;
  /** For Pulsar, of the folders it makes for a job; undefined leaves it to the umask. */
  readonly job: string | undefined;
}

export const OWNER_ONLY: FolderModes = { way: 0o700, inner: 0o700, job: undefined };

/** When Pulsar runs as root, its runner gives up root for the executors: that user must be able to walk to the job's folder, but not to list anything on the way. */
export const TRAVERSABLE: FolderModes = { way: 0o711, inner: 0o700, job: '0711' };

/** Pulsar writes these paths into a shell script without quotes (protocol A.6). */
const SHELL_SAFE = /^[\p{L}\p{N}_@%+=:,./-]+$/u;

/** Throws STARTUP for a path that Pulsar's job script could not name. */
export const layoutOf = (directory: string, venvDirectory?: string): Layout => {
  const root = resolve(directory);
  if (!SHELL_SAFE.test(root)) {
    const advice = 'choose a data folder whose path has only letters, digits and . _ - + = : , @ %';
    throw new MagnetarError('STARTUP', `the embedded Pulsar cannot work in "${root}": ${advice}`);
  }
  return {
    root,
    venv: venvDirectory === undefined ? join(root, 'venv') : resolve(venvDirectory),
    staging: join(root, 'staging'),
    persistence: join(root, 'persist'),
    dependencies: join(root, 'dependencies'),
    temporary: join(root, 'tmp'),
    runtime: join(root, 'run'),
    serverIni: join(root, 'server.ini'),
    appYml: join(root, 'app.yml'),
    state: join(root, 'state.json'),
    log: join(root, 'pulsar.log'),
  };
};

export const makeFolders = async (layout: Layout, modes: FolderModes): Promise<void> => {
  const { root, staging, persistence, dependencies, temporary, runtime } = layout;
  const folders: readonly (readonly [string, number])[] = [
    [root, modes.way],
    [staging, modes.way],
    [persistence, modes.inner],
    [dependencies, modes.inner],
    [temporary, modes.inner],
    [runtime, modes.inner],
  ];
  for (const [folder, mode] of folders) {
    await mkdir(folder, { recursive: true, mode });
    await chmod(folder, mode); // the umask may have taken bits, an older folder may have more
  }
};
