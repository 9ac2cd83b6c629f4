/** A real Magnetar in a process of its own, with a real embedded Pulsar; started again on the same data as often as a test wants. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pulsarInstallation, testEnvironment, VENV } from '../pulsar/venv.ts';
import { freePort, isRunning, signalTo } from '../pulsar/process.ts';
import { until } from '../until.ts';
import { CHAOS_VARIABLE, type ChaosPoint } from './chaos.ts';
import { createTesClient, type TesClient } from './tes-client.ts';

/** What to run: the built program, or the one from source that dies where it is told and waits less for silent jobs. */
const PROGRAMS = {
  built: [fileURLToPath(new URL('../../../bin/magnetar', import.meta.url))],
  deadly: ['--import', 'tsx', fileURLToPath(new URL('./chaos-main.ts', import.meta.url))],
} as const;

const START_LIMIT_MS = 60_000;

/** Folders of one installation; outlives its servers. */
export interface Site {
  readonly directory: string;
  /** Tasks may read and write below it. */
  readonly files: string;
  /** Mounted read-write into every task at `/marks`. */
  readonly marks: string;
  readonly data: string;
  readonly config: string;
  readonly program: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The same for all servers of the site, so that jobs of one reach the next. */
  readonly port: number;
  remove(): Promise<void>;
}

export interface SiteOptions {
  readonly runtime?: string;
  /** More variables for its servers. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly program?: keyof typeof PROGRAMS;
  /** More lines of the configuration file. */
  readonly config?: string;
  /** Lines that say where the destination is. */
  readonly transport?: string;
  /** More lines of the destination. */
  readonly destination?: string;
}

const DESTINATION = (marks: string, runtime: string, transport: string): string => `
[[destinations]]
name = "local"
${transport}
runtime = "${runtime}"
max_jobs = 4
mounts = [{ host = "${marks}", path = "/marks", mode = "rw" }]
`;

/** Process id of the embedded Pulsar of a site; undefined when it has none. */
export const pulsarPid = ({ data }: Pick<Site, 'data'>): number | undefined => {
  try {
    const state: unknown = JSON.parse(readFileSync(join(data, 'pulsar', 'state.json'), 'utf8'));
    return (state as { readonly pid: number }).pid;
  } catch {
    return undefined;
  }
};

/** SIGKILL for Pulsar and its worker, and waits until both are gone. */
export const killPulsar = async (site: Pick<Site, 'data'>): Promise<void> => {
  const pid = pulsarPid(site);
  if (pid === undefined) return;
  signalTo(-pid, 'SIGKILL');
  await until(() => !isRunning(pid), { what: 'the end of Pulsar' });
};

export const createSite = async ({
  program = 'built',
  runtime = 'bubblewrap',
  environment = {},
  config = '',
  transport = 'transport = "embedded"',
  destination = '',
}: SiteOptions = {}): Promise<Site> => {
  await pulsarInstallation();
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'magnetar-site-')));
  const [files, marks, data] = ['files', 'marks', 'data'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(files);
  mkdirSync(marks);
  chmodSync(marks, 0o777);
  chmodSync(directory, 0o755);
  mkdirSync(join(data, 'pulsar'), { recursive: true, mode: 0o700 });
  symlinkSync(VENV, join(data, 'pulsar', 'venv'));
  const file = join(directory, 'magnetar.toml');
  writeFileSync(file, `${config}\n${DESTINATION(marks, runtime, transport)}${destination}\n`);
  const site = {
    directory,
    files,
    marks,
    data,
    config: file,
    program: PROGRAMS[program],
    environment,
    port: await freePort(),
  };
  return {
    ...site,
    async remove() {
      await killPulsar(site);
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

export interface Server {
  readonly url: string;
  readonly tes: TesClient;
  readonly pid: number;
  /** Everything it said so far. */
  output(): string;
  /** Resolves with the exit code or the signal once the process has ended. */
  readonly ended: Promise<number | string>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

const watchEnd = (child: ChildProcess): Promise<number | string> =>
  once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);

export interface StartOptions {
  readonly chaos?: ChaosPoint;
  readonly port?: number;
}

/** Starts a server and waits until it serves; with a chaos point it may end before that. */
export const startServer = async (
  site: Site,
  { chaos, port = site.port }: StartOptions = {},
): Promise<Server> => {
  const args = [...site.program, 'serve', '--config', site.config, '--data', site.data];
  const child = spawn(process.execPath, [...args, '--port', String(port), '--allow', site.files], {
    env: {
      ...testEnvironment(),
      ...site.environment,
      ...(chaos === undefined ? {} : { [CHAOS_VARIABLE]: JSON.stringify(chaos) }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const ended = watchEnd(child);
  let over = false;
  void ended.then(() => {
    over = true;
  });
  const url = await until(() => /listens on (\S+)/.exec(said)?.[1] ?? (over ? '' : undefined), {
    timeoutMs: START_LIMIT_MS,
    what: 'the server to listen',
  }).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw new Error(`the server does not start:\n${said}`, { cause: error });
  });
  if (url === '' && chaos === undefined) throw new Error(`the server ended:\n${said}`);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return {
    url,
    tes: createTesClient(() => url),
    pid: child.pid ?? 0,
    output: () => said,
    ended,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
};
