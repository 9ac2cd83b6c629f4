/** The supervised local Pulsar: installs it, finds or starts it, keeps it running, and speaks to it. */
import { createHash } from 'node:crypto';
import { systemClock, type Clock } from '../../kernel/clock.ts';
import { MagnetarError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { createWake } from '../../kernel/wake.ts';
import type { JobTransport } from '../../tasks/ports/job-transport.ts';
import type { Endpoint } from '../rest/client.ts';
import { createTransportTo } from '../rest/rest-transport.ts';
import { ensureInstalled, requirementsHash, type Installation } from './install.ts';
import { launch, type LaunchOptions } from './launch.ts';
import { OWNER_ONLY, TRAVERSABLE, layoutOf, makeFolders, type FolderModes } from './layout.ts';
import type { OnProgress } from './pip-output.ts';
import { endProcess, isAlive } from './process.ts';
import { HOST } from './settings.ts';
import { readState, removeState, type PulsarState } from './state.ts';
import { watch } from './watch.ts';

export interface EmbeddedPulsarOptions {
  /** Holds everything of this Pulsar; no two servers may use it at once. */
  readonly directory: string;
  /** Default: `venv` in the directory. */
  readonly venvDirectory?: string;
  /** Path of the Python to use; default: the first fit on the PATH. */
  readonly python?: string;
  /** PATH and HOME for Pulsar and its jobs. */
  readonly environment: Readonly<Record<'PATH' | 'HOME', string>>;
  /** What python and pip get besides at the first start, e.g. HTTPS_PROXY, PIP_INDEX_URL. */
  readonly installEnvironment?: Readonly<Record<string, string>>;
  /** What jobs get besides PATH, HOME, TMPDIR and TES_PYTHON, e.g. DOCKER_HOST. */
  readonly jobEnvironment?: Readonly<Record<string, string>>;
  /** Default: TRAVERSABLE for root, else OWNER_ONLY. */
  readonly modes?: FolderModes;
  readonly reportName: string;
  readonly logger: Logger;
  readonly clock?: Clock;
}

export interface EmbeddedPulsar {
  /** Usable after `start`; follows Pulsar when it is started anew. */
  readonly transport: JobTransport;
  /** Answers when Pulsar is ready. Throws STARTUP that says what to do. */
  start(signal: AbortSignal, onProgress: OnProgress): Promise<void>;
  /** Ends Pulsar; its jobs go on. With `keepRunning` Pulsar stays too, for the next start to find. */
  stop(options?: { readonly keepRunning?: boolean }): Promise<void>;
  /** Process id of the running Pulsar. */
  pid(): number | undefined;
}

/** How long an older Pulsar has to show that it is well. */
const ADOPT_LIMIT_MS = 5000;

const defaultModes = (): FolderModes => (process.getuid?.() === 0 ? TRAVERSABLE : OWNER_ONLY);

const fingerprintOf = async (options: EmbeddedPulsarOptions): Promise<string> => {
  const { environment, jobEnvironment, python, venvDirectory } = options;
  const parts = [await requirementsHash(), environment, jobEnvironment, python, venvDirectory];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
};

export const createEmbeddedPulsar = (options: EmbeddedPulsarOptions): EmbeddedPulsar => {
  const { logger, clock = systemClock, modes = defaultModes() } = options;
  const layout = layoutOf(options.directory, options.venvDirectory);
  const bell = createWake(clock);
  const life = new AbortController();
  let current: PulsarState | undefined;
  let watching: Promise<void> = Promise.resolve();

  const endpoint = (): Endpoint => {
    if (current === undefined) {
      throw new MagnetarError('PULSAR_UNREACHABLE', 'the embedded Pulsar is not running');
    }
    const { port, privateToken } = current;
    return { url: `http://${HOST}:${String(port)}`, privateToken };
  };
  const transport = createTransportTo(endpoint, { reportName: options.reportName });
  const probe = (signal: AbortSignal) => transport.probe({ signal });
  const use = (state: PulsarState): void => {
    current = state;
  };

  const install = (signal: AbortSignal, onProgress: OnProgress): Promise<Installation> =>
    ensureInstalled({
      venv: layout.venv,
      environment: { ...options.installEnvironment, ...options.environment },
      signal,
      onProgress,
      ...(options.python === undefined ? {} : { python: options.python }),
    });

  /** A Pulsar of an earlier run that is well and was started with the same settings; any other is ended. */
  const adopt = async (fingerprint: string, signal: AbortSignal): Promise<boolean> => {
    const older = await readState(layout.state);
    if (older === undefined || !(await isAlive(older))) return false;
    if (older.fingerprint === fingerprint) {
      use(older);
      const limit = AbortSignal.any([signal, AbortSignal.timeout(ADOPT_LIMIT_MS)]);
      const well = await probe(limit).then(
        () => true,
        () => false,
      );
      signal.throwIfAborted();
      if (well) return true;
    }
    logger.info('ending an older embedded Pulsar', { pid: older.pid });
    await endProcess(older, clock);
    return false;
  };

  const launchWith = (
    installation: Installation,
    fingerprint: string,
    signal: AbortSignal,
  ): Promise<PulsarState> => {
    const launchOptions: LaunchOptions = {
      layout,
      modes,
      installation,
      environment: { PATH: options.environment.PATH, HOME: options.environment.HOME },
      jobEnvironment: options.jobEnvironment ?? {},
      fingerprint,
      clock,
      onEnd: () => {
        bell.ring();
      },
    };
    return launch(launchOptions, use, probe, signal);
  };

  const supervise = (installation: Installation, fingerprint: string): Promise<void> =>
    watch({
      clock,
      logger,
      bell,
      signal: life.signal,
      alive: () => (current === undefined ? Promise.resolve(false) : isAlive(current)),
      probe,
      restart: async () => {
        if (current !== undefined) await endProcess(current, clock);
        const { pid } = await launchWith(installation, fingerprint, life.signal);
        logger.info('embedded Pulsar started', { pid });
      },
    });

  return {
    transport,
    async start(outer, onProgress) {
      const signal = AbortSignal.any([outer, life.signal]);
      await makeFolders(layout, modes);
      const fingerprint = await fingerprintOf(options);
      const adopted = await adopt(fingerprint, signal);
      const installation = await install(signal, onProgress);
      if (!adopted) {
        onProgress('starting Pulsar');
        await launchWith(installation, fingerprint, signal);
      }
      logger.info('embedded Pulsar is ready', { pid: current?.pid, adopted });
      watching = supervise(installation, fingerprint);
    },
    async stop({ keepRunning = false } = {}) {
      life.abort(new MagnetarError('STOPPING', 'the embedded Pulsar is being stopped'));
      await watching;
      await transport.close();
      if (keepRunning || current === undefined) return;
      await endProcess(current, clock);
      await removeState(layout.state);
      logger.info('embedded Pulsar stopped', { pid: current.pid });
    },
    pid: () => current?.pid,
  };
};
