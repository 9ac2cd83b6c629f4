/** Starts a real Pulsar REST server as a site would: its own process, with its own server.ini and app.yml. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { until } from '../until.ts';
import { childrenOf, freePort, isRunning, signalTo } from './process.ts';
import { pulsarEnvironment, pulsarInstallation } from './venv.ts';

export interface RestPulsarOptions {
  /** Without blanks; a second start in it goes on with its jobs. */
  readonly directory: string;
  readonly token?: string;
  /** Default: loopback. */
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** More keys for app.yml, e.g. `{ assign_ids: 'uuid' }`. */
  readonly app?: Readonly<Record<string, unknown>>;
  /** Default: one `queued_python` called `_default_`. */
  readonly managers?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Added to the environment of the server. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface RestPulsar {
  readonly url: string;
  readonly token: string;
  readonly port: number;
  readonly pid: number;
  readonly directory: string;
  /** The real Python behind it: what the runner gets as TES_PYTHON. */
  readonly python: string;
  /** SIGTERM, then waits for the end; running jobs go on. */
  stop(): Promise<void>;
  /** SIGKILL to server and worker, then waits for the end; running jobs go on. */
  kill(): Promise<void>;
}

const writeConfig = async (
  options: RestPulsarOptions,
  root: string,
  given: {
    readonly host: string;
    readonly port: number;
    readonly token: string;
    readonly python: string;
  },
): Promise<void> => {
  const managers = options.managers ?? { _default_: { type: 'queued_python' } };
  const withPython = Object.entries(managers).map(
    ([name, manager]) => [name, { env_TES_PYTHON: given.python, ...manager }] as const,
  );
  const app = {
    staging_directory: join(root, 'staging'),
    persistence_directory: join(root, 'persist'),
    private_token: given.token,
    conda_auto_init: false,
    conda_auto_install: false,
    ...options.app,
    managers: Object.fromEntries(withPython),
  };
  const server = `[server:main]\nhost = ${given.host}\nport = ${String(given.port)}\n`;
  const iniText = `${server}[app:main]\napp_config = %(here)s/app.yml\n`;
  await writeFile(join(root, 'server.ini'), iniText);
  await writeFile(join(root, 'app.yml'), JSON.stringify(app));
};

const isReady = async (url: string, token: string): Promise<boolean> => {
  const query = `private_token=${encodeURIComponent(token)}`;
  const answer = await fetch(`${url}/healthz?${query}`, { headers: { connection: 'close' } });
  // 500 = no manager called _default_, but up
  return answer.status === 200 || answer.status === 500;
};

const ended = (pids: readonly number[]): Promise<boolean> =>
  until(() => !pids.some(isRunning), { timeoutMs: 20_000, what: 'end of Pulsar' });

/** Answers when Pulsar is ready. */
export const startRestPulsar = async (options: RestPulsarOptions): Promise<RestPulsar> => {
  const installation = await pulsarInstallation();
  const root = resolve(options.directory);
  const { token = 'test-token', host = '127.0.0.1', port = await freePort() } = options;
  for (const folder of ['staging', 'persist', 'tmp', 'run']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await writeConfig(options, root, { host, port, token, python: installation.python });
  const log = openSync(join(root, 'pulsar.log'), 'a');
  const args = ['-I', '-m', 'pulsar.scripts.serve', join(root, 'server.ini')];
  const folders = { TMPDIR: join(root, 'tmp'), XDG_RUNTIME_DIR: join(root, 'run') };
  const child = spawn(installation.program, args, {
    cwd: root,
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...pulsarEnvironment(), LANG: 'C.UTF-8', ...folders, ...options.environment },
  });
  closeSync(log);
  child.unref();
  const pid = child.pid ?? 0;
  const url = `http://${host}:${String(port)}`;
  const ready = async (): Promise<boolean> => {
    if (!isRunning(pid)) {
      throw new Error(`Pulsar ended: ${await readFile(join(root, 'pulsar.log'), 'utf8')}`);
    }
    return isReady(url, token).catch(() => false);
  };
  await until(ready, { timeoutMs: 60_000, everyMs: 50, what: `Pulsar at ${url}` });
  const stop = async (): Promise<void> => {
    signalTo(pid, 'SIGTERM');
    await ended([pid]);
  };
  const kill = async (): Promise<void> => {
    const workers = childrenOf(pid);
    signalTo(pid, 'SIGKILL');
    for (const worker of workers) signalTo(worker, 'SIGKILL');
    await ended([pid, ...workers]);
  };
  return { url, token, port, pid, directory: root, python: installation.python, stop, kill };
};
