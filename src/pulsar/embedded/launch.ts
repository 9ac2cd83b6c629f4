/** Starts a Pulsar server that outlives this process, and waits until it is ready. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open, readFile, rename } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Clock } from '../../kernel/clock.ts';
import { MagnetarError, isMagnetarError } from '../../kernel/errors.ts';
import type { Installation } from './install.ts';
import type { FolderModes, Layout } from './layout.ts';
import { endProcess, identityOf, isAlive } from './process.ts';
import { HOST, writeSettings } from './settings.ts';
import { writeState, type PulsarState } from './state.ts';

export interface LaunchOptions {
  readonly layout: Layout;
  readonly modes: FolderModes;
  readonly installation: Installation;
  /** Of the server: PATH and HOME, which its jobs inherit. */
  readonly environment: Readonly<Record<string, string>>;
  readonly jobEnvironment: Readonly<Record<string, string>>;
  readonly fingerprint: string;
  readonly clock: Clock;
  /** Called at the end of the process, so that nobody has to wait for the next check. */
  readonly onEnd: () => void;
}

/** Nobody else may read what Pulsar and its jobs write. */
const PRIVATE = 0o077;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address === 'object' && address !== null) return address.port;
  throw new MagnetarError('STARTUP', `no free port on ${HOST}`);
};

/** The log of the run before is kept as `.1`. */
const openLog = async (file: string) => {
  await rename(file, `${file}.1`).catch(() => undefined);
  return open(file, 'a', 0o600);
};

const serverEnvironment = (options: LaunchOptions): Record<string, string> => ({
  ...options.environment,
  LANG: 'C.UTF-8',
  TMPDIR: options.layout.temporary,
  XDG_RUNTIME_DIR: options.layout.runtime,
  TES_PYTHON: options.installation.python,
});

/** Spawns the server and records it at once: from then on a later start finds it. */
const spawnServer = async (options: LaunchOptions): Promise<PulsarState> => {
  const { layout, modes, installation, clock, fingerprint } = options;
  const port = await freePort();
  const privateToken = randomBytes(24).toString('hex');
  const jobEnvironment = { ...options.jobEnvironment, TES_PYTHON: installation.python };
  await writeSettings(layout, { port, privateToken, jobEnvironment, modes });
  const log = await openLog(layout.log);
  try {
    const args = ['-I', '-m', 'pulsar.scripts.serve', layout.serverIni];
    const umask = process.umask(PRIVATE); // plans with keys and contents lie in its folders; a child takes the mask over at its start
    const child = spawn(installation.program, args, {
      cwd: layout.root,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: serverEnvironment(options),
    });
    process.umask(umask);
    await once(child, 'spawn').catch(() => {
      throw new MagnetarError('STARTUP', `cannot run ${installation.program}`);
    });
    child.unref();
    child.once('exit', options.onEnd);
    const pid = child.pid ?? 0;
    const identity = (await identityOf(pid)) ?? 'ended';
    const state = { v: 1, pid, identity, port, privateToken, fingerprint } as const;
    const recorded: PulsarState = { ...state, startedAt: clock.now() };
    await writeState(layout.state, recorded);
    return recorded;
  } finally {
    await log.close();
  }
};

const READY_LIMIT_MS = 120_000;
const READY_POLL_MS = 50;
const LOG_TAIL_LINES = 5;

const logTail = async (file: string): Promise<string> => {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-LOG_TAIL_LINES).join(' | ');
};

export type Probe = (signal: AbortSignal) => Promise<unknown>;

/** The port was free a moment ago, but somebody else was faster. */
class PortTaken extends Error {}

const whyNotReady = async (layout: Layout, what: string): Promise<Error> => {
  const tail = await logTail(layout.log);
  if (/already in use|Connection in use/i.test(tail)) return new PortTaken();
  const advice = `its log is ${layout.log} and ends with: ${tail}`;
  return new MagnetarError('STARTUP', `the embedded Pulsar ${what}; ${advice}`);
};

const waitUntilReady = async (
  state: PulsarState,
  options: LaunchOptions,
  probe: Probe,
  signal: AbortSignal,
): Promise<void> => {
  const { clock, layout } = options;
  for (const end = clock.monotonic() + READY_LIMIT_MS; clock.monotonic() < end;) {
    try {
      await probe(signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!isMagnetarError(error)) throw error;
    }
    if (!(await isAlive(state))) throw await whyNotReady(layout, 'ended at its start');
    await clock.sleep(READY_POLL_MS, signal);
  }
  throw await whyNotReady(layout, `was not ready after ${String(READY_LIMIT_MS / 1000)} s`);
};

const PORT_TRIES = 3;

/**
 * Answers once Pulsar is ready. `use` is told of the new process before it is probed, `probe` asks for its health.
 * A process that does not become ready is ended.
 */
export const launch = async (
  options: LaunchOptions,
  use: (state: PulsarState) => void,
  probe: Probe,
  signal: AbortSignal,
): Promise<PulsarState> => {
  for (let tryNumber = 1; ; tryNumber += 1) {
    signal.throwIfAborted();
    const state = await spawnServer(options);
    use(state);
    try {
      await waitUntilReady(state, options, probe, signal);
      return state;
    } catch (error) {
      await endProcess(state, options.clock);
      if (!(error instanceof PortTaken)) throw error;
      if (tryNumber >= PORT_TRIES) {
        throw new MagnetarError('STARTUP', `the embedded Pulsar finds no free port on ${HOST}`);
      }
    }
  }
};
