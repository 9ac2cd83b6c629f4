/** The supervised local Pulsar: installs it, finds or starts it, keeps it running, and speaks to it. */
import { createHash } from 'node:crypto';
import { systemClock, type Clock } from '../../kernel/clock.ts';
import { MagnetarError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { createWake, type Wake } from '../../kernel/wake.ts';
import type { JobTransport } from '../../tasks/ports/job-transport.ts';
import type { Endpoint } from '../rest/client.ts';
import { createTransportTo } from '../rest/rest-transport.ts';
import { ensureInstalled, requirementsHash, type Installation } from './install.ts';
import { launch, type LaunchOptions, type Probe } from './launch.ts';
import {
  OWNER_ONLY,
  TRAVERSABLE,
  layoutOf,
  makeFolders,
  type FolderModes,
  type Layout,
} from './layout.ts';
import type { OnProgress } from './pip-output.ts';
import { endProcess, isAlive } from './process.ts';
import { writeBelow } from './lay-down.ts';
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

class Supervised implements EmbeddedPulsar {
  readonly transport: JobTransport;
  readonly #options: EmbeddedPulsarOptions;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #modes: FolderModes;
  readonly #layout: Layout;
  readonly #bell: Wake;
  readonly #life = new AbortController();
  #current: PulsarState | undefined;
  #watching: Promise<void> = Promise.resolve();

  constructor(options: EmbeddedPulsarOptions) {
    this.#options = options;
    this.#logger = options.logger;
    this.#clock = options.clock ?? systemClock;
    this.#modes = options.modes ?? defaultModes();
    this.#layout = layoutOf(options.directory, options.venvDirectory);
    this.#bell = createWake(this.#clock);
    const { reportName } = options;
    const layDown = writeBelow(this.#layout.staging);
    this.transport = createTransportTo(() => this.#endpoint(), { reportName, layDown });
  }

  pid(): number | undefined {
    return this.#current?.pid;
  }

  async start(outer: AbortSignal, onProgress: OnProgress): Promise<void> {
    const signal = AbortSignal.any([outer, this.#life.signal]);
    await makeFolders(this.#layout, this.#modes);
    const fingerprint = await fingerprintOf(this.#options);
    const adopted = await this.#adopt(fingerprint, signal);
    const installation = await this.#install(signal, onProgress);
    if (!adopted) {
      onProgress('starting Pulsar');
      await this.#launch(installation, fingerprint, signal);
    }
    this.#logger.info('embedded Pulsar is ready', { pid: this.pid(), adopted });
    this.#watching = this.#watch(installation, fingerprint);
  }

  async stop({ keepRunning = false } = {}): Promise<void> {
    this.#life.abort(new MagnetarError('STOPPING', 'the embedded Pulsar is being stopped'));
    await this.#watching;
    await this.transport.close();
    if (keepRunning || this.#current === undefined) return;
    await endProcess(this.#current, this.#clock);
    await removeState(this.#layout.state);
    this.#logger.info('embedded Pulsar stopped', { pid: this.pid() });
  }

  #endpoint(): Endpoint {
    if (this.#current === undefined) {
      throw new MagnetarError('PULSAR_UNREACHABLE', 'the embedded Pulsar is not running');
    }
    const { port, privateToken } = this.#current;
    return { url: `http://${HOST}:${String(port)}`, privateToken };
  }

  readonly #probe: Probe = (signal) => this.transport.probe({ signal });

  #install(signal: AbortSignal, onProgress: OnProgress): Promise<Installation> {
    const { environment, installEnvironment, python } = this.#options;
    return ensureInstalled({
      venv: this.#layout.venv,
      environment: { ...installEnvironment, ...environment },
      signal,
      onProgress,
      ...(python === undefined ? {} : { python }),
    });
  }

  /** Takes a Pulsar of an earlier run that is well and was started with the same settings; any other is ended. */
  async #adopt(fingerprint: string, signal: AbortSignal): Promise<boolean> {
    const older = await readState(this.#layout.state);
    if (older === undefined || !(await isAlive(older))) return false;
    if (older.fingerprint === fingerprint) {
      this.#current = older;
      const limit = AbortSignal.any([signal, AbortSignal.timeout(ADOPT_LIMIT_MS)]);
      const well = await this.#probe(limit).then(
        () => true,
        () => false,
      );
      signal.throwIfAborted();
      if (well) return true;
    }
    this.#logger.info('an older embedded Pulsar is ended', { pid: older.pid });
    await endProcess(older, this.#clock);
    return false;
  }

  #launch(
    installation: Installation,
    fingerprint: string,
    signal: AbortSignal,
  ): Promise<PulsarState> {
    const { environment, jobEnvironment = {} } = this.#options;
    const options: LaunchOptions = {
      layout: this.#layout,
      modes: this.#modes,
      installation,
      environment: { PATH: environment.PATH, HOME: environment.HOME },
      jobEnvironment,
      fingerprint,
      clock: this.#clock,
      onEnd: () => this.#bell.ring(),
    };
    const use = (state: PulsarState): void => {
      this.#current = state;
    };
    return launch(options, use, this.#probe, signal);
  }

  #watch(installation: Installation, fingerprint: string): Promise<void> {
    const { signal } = this.#life;
    return watch({
      clock: this.#clock,
      logger: this.#logger,
      bell: this.#bell,
      signal,
      alive: async () => this.#current !== undefined && (await isAlive(this.#current)),
      probe: this.#probe,
      restart: async () => {
        if (this.#current !== undefined) await endProcess(this.#current, this.#clock);
        const { pid } = await this.#launch(installation, fingerprint, signal);
        this.#logger.info('embedded Pulsar started', { pid });
      },
    });
  }
}

/** Does nothing until `start`. Throws STARTUP for a directory that Pulsar cannot work in. */
export const createEmbeddedPulsar = (options: EmbeddedPulsarOptions): EmbeddedPulsar =>
  new Supervised(options);
