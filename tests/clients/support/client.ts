/** Runs a real client in a sandbox of its own: private /tmp, HOME and processes, the host read-only, as the user that tasks run as. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const INSTALL = fileURLToPath(new URL('./install.sh', import.meta.url));
/** The real folder, as programs of an environment name it. */
const cacheFolder = (): string => {
  const folder = fileURLToPath(new URL('../../../.cache/clients/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  return realpathSync(folder);
};

const CACHE = cacheFolder();
const HOST_FOLDERS = ['/usr', '/etc', '/bin', '/lib', '/lib64', '/opt', '/sbin'];
const BUBBLEWRAP = 'bwrap';
const INSTALL_LIMIT_MS = 400_000;
const END_LIMIT_MS = 200_000;

/** Of bubblewrap's executors when the server is root. */
const NOBODY = 65_534;

/** The user tasks run as: what a client shares with them must be its as well. */
export const taskUser: { readonly uid: number; readonly gid: number } | undefined =
  process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : undefined;

/** Its name is the one of a file in `requirements/`. */
export type ClientName =
  | 'py-tes-1.1'
  | 'py-tes-0.4'
  | 'pydantic-tes'
  | 'snakemake'
  | 'toil'
  | 'cwl-tes'
  | 'schemathesis'
  | 'pyftpdlib';

export interface Result {
  readonly code: number | string;
  readonly output: string;
}

const collect = async (child: ReturnType<typeof spawn>, limitMs: number): Promise<Result> => {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const timer = setTimeout(() => {
    output += `\nkilled after ${String(limitMs)} ms`;
    child.kill('SIGKILL');
  }, limitMs);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(timer);
  return { code: code ?? signal ?? 'unknown', output };
};

/** Answers the folder of the client's virtual environment, made when it is missing. */
export const install = async (name: ClientName): Promise<string> => {
  const { code, output } = await collect(spawn(INSTALL, [name]), INSTALL_LIMIT_MS);
  if (code !== 0) throw new Error(output);
  return path.join(CACHE, name);
};

const isReachable = (folder: string): boolean =>
  (statSync(folder).mode & 0o001) !== 0 &&
  (folder === path.dirname(folder) || isReachable(path.dirname(folder)));

/** Where the user of the tasks reaches this folder: there, or in a copy of hard links below `room`. */
export const reachable = async (folder: string, room: string): Promise<string> => {
  if (taskUser === undefined || isReachable(folder)) return folder;
  const copy = path.join(room, path.basename(folder));
  for (const how of ['-al', '-a']) {
    const { code, output } = await collect(spawn('cp', [how, folder, copy]), END_LIMIT_MS);
    if (code === 0) return copy;
    if (how === '-a') throw new Error(output);
    await collect(spawn('rm', ['-rf', copy]), END_LIMIT_MS);
  }
  return copy;
};

export interface Surroundings {
  /** The client's virtual environment, and where it really lies. */
  readonly venv: string;
  readonly venvCopy: string;
  /** The only folder it may write, besides its own /tmp. */
  readonly folder: string;
  readonly home: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly limitMs?: number;
}

/** Runs a program of the client's environment, or of the system, to its end. */
export const runClient = (
  { venv, venvCopy, folder, home }: Surroundings,
  [program = '', ...args]: readonly string[],
  { cwd, environment = {}, limitMs = END_LIMIT_MS }: RunOptions,
): Promise<Result> => {
  const inVenv = path.join(venv, 'bin', program);
  const variables = {
    PATH: `${venv}/bin:/usr/bin:/bin`,
    HOME: home,
    LANG: 'C.UTF-8',
    ...environment,
  };
  const child = spawn(
    BUBBLEWRAP,
    [
      ...['--die-with-parent', '--new-session', '--unshare-pid', '--unshare-ipc', '--clearenv'],
      ...HOST_FOLDERS.filter((host) => existsSync(host)).flatMap((host) => [
        '--ro-bind',
        host,
        host,
      ]),
      ...['--dev', '/dev', '--proc', '/proc', '--tmpfs', '/tmp'],
      ...['--ro-bind', venvCopy, venv, '--bind', folder, folder, '--chdir', cwd],
      ...Object.entries(variables).flatMap(([key, value]) => ['--setenv', key, value]),
      ...['--', existsSync(path.join(venvCopy, 'bin', program)) ? inVenv : program, ...args],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], ...taskUser },
  );
  return collect(child, limitMs);
};
