/** The composition root: builds each part once, starts them in order, stops them in the opposite order. */
import { join } from 'node:path';
import { createAccess } from './access/access.ts';
import { createSecretBox } from './access/secret-box.ts';
import { createApi, type Api } from './api/app.ts';
import { listen } from './api/listen.ts';
import { compileRunnerSchema } from './api/runner-schema.ts';
import { openStore, openTransport } from './app/adapters.ts';
import { lockDataDirectory } from './app/data-lock.ts';
import { claimEmbedded } from './app/embedded-claim.ts';
import { createEnding } from './app/ending.ts';
import { readRunnerFiles } from './app/runner-files.ts';
import { createStorages, type Storages } from './app/storages.ts';
import type { App, AppInput } from './cli/serve.ts';
import { readVersion } from './cli/version.ts';
import type { Environment } from './config/environment.ts';
import { loadInstallSecret, type InstallSecret } from './config/install-secret.ts';
import {
  accessOptionsOf,
  allowedHostsOf,
  allowedOriginsOf,
  destinationOf,
  planRulesOf,
  serviceInfoOf,
} from './config/settings.ts';
import type { Config } from './config/types.ts';
import { canReach } from './app/reach.ts';
import { createDestinationLine, type DestinationLine } from './dispatcher/destination-line.ts';
import { createDispatcher, type Dispatcher } from './dispatcher/dispatcher.ts';
import { createJobLogs } from './dispatcher/job-logs.ts';
import { createJobKeys, type JobKeys } from './dispatcher/job-keys.ts';
import type { JobDoors } from './dispatcher/attempt-context.ts';
import { lostDestinations } from './dispatcher/lost-destinations.ts';
import { DEFAULT_TIMING, type Timing } from './dispatcher/timing.ts';
import { systemClock } from './kernel/clock.ts';
import { MagnetarError } from './kernel/errors.ts';
import { createIdSource } from './kernel/ids.ts';
import { createReleases, type Releases } from './kernel/releases.ts';
import { createCheckJobs } from './storage/check-jobs/check-jobs.ts';
import { createAllowList } from './storage/file/allow-list.ts';
import { createKeptLogs } from './storage/logs/kept-logs.ts';
import type { OpenStore } from './store/change-hub.ts';
import type { JobId } from './tasks/ids.ts';
import type { Changes } from './tasks/ports/changes.ts';
import type { JobFile, JobTransport } from './tasks/ports/job-transport.ts';
import type { SecretBox } from './tasks/ports/secret-box.ts';
import type { TaskStore } from './tasks/ports/task-store.ts';
import type { LogDeps } from './tasks/read-log.ts';
import type { RunnerSchema } from './tasks/runner-schema.ts';

export interface CreateAppInput extends AppInput {
  readonly environment: Environment;
  /** Tests shorten periods, and put themselves round adapters to end the process at a chosen call. */
  readonly timing?: Timing;
  readonly decorateStore?: (store: TaskStore) => TaskStore;
  readonly decorateTransport?: (transport: JobTransport) => JobTransport;
}

/** Requests under way may take this long when the server stops. */
const HTTP_GRACE_MS = 2_000;
const PING_LIMIT_MS = 5_000;
const BEACON_INTERVAL_S = 30;

const ids = createIdSource(systemClock.now);

interface Parts {
  readonly store: TaskStore;
  readonly box: SecretBox;
  readonly changes: Changes;
  readonly logs: Omit<LogDeps, 'store'>;
  readonly lines: readonly DestinationLine[];
  readonly dispatcher: Dispatcher;
  readonly keys: JobKeys;
  readonly storages: Storages;
  readonly runnerSchema: RunnerSchema;
  /** Where jobs reach this server; known once it listens. */
  readonly setUrl: (url: string) => void;
}

interface Made {
  readonly opened: OpenStore;
  readonly secret: InstallSecret;
  readonly runnerFiles: readonly JobFile[];
  readonly releases: Releases;
}

const doorsOf = (base: string, keys: JobKeys, job: JobId): JobDoors => ({
  beacon: {
    url: `${base}/files/${job}/beacon`,
    key: keys.beacon(job),
    interval_s: BEACON_INTERVAL_S,
  },
  relay: { url: `${base}/files/${job}`, token: keys.relay(job) },
});

const createParts = (input: CreateAppInput, made: Made): Parts => {
  const { config, logger, environment } = input;
  const { server, secret } = made.secret;
  const store = input.decorateStore?.(made.opened.store) ?? made.opened.store;
  const box = createSecretBox(secret);
  const keys = createJobKeys(secret);
  const storages = createStorages(config);
  made.releases.push(() => storages.close());
  let base = config.server.public_url;
  const runnerSchema = compileRunnerSchema();
  const keptLogs = createKeptLogs({ directory: join(config.data, 'logs'), clock: systemClock });
  const shared = {
    store,
    box,
    clock: systemClock,
    logs: keptLogs,
    storageOf: storages.storageOf,
    checkJobs: createCheckJobs(join(config.data, 'checks')),
    timing: input.timing ?? DEFAULT_TIMING,
    rules: planRulesOf(config, server, storages),
    runnerFiles: made.runnerFiles,
    runnerSchema,
    random: Math.random,
    holder: `${server}/${ids.next()}`,
    address: '',
    ownerRunning: config.limits.owner_running,
    ids,
    onProgress: input.onProgress,
  };
  const destinations = config.destinations.map((entry) => {
    const log = logger.child({ destination: entry.name });
    const open = openTransport(config, entry, environment, log);
    made.releases.push(() => open.stop());
    const transport = input.decorateTransport?.(open.transport) ?? open.transport;
    const destination = destinationOf(config, entry);
    const doorsFor = (job: JobId) => (canReach(entry, base) ? doorsOf(base, keys, job) : undefined);
    const own = { doorsFor, logger: log, pulsar: open, transport, destination };
    const line = createDestinationLine({ ...shared, ...own });
    return { destination, transport, owner: line.owner, line };
  });
  return {
    store,
    box,
    changes: made.opened.changes,
    logs: { keptLogs, jobLogs: createJobLogs(destinations) },
    keys,
    storages,
    runnerSchema,
    lines: destinations.map(({ line }) => line),
    dispatcher: createDispatcher({ ...shared, changes: made.opened.changes, logger, destinations }),
    setUrl: (url) => {
      if (base === '') base = url;
      for (const entry of config.destinations.filter((one) => !canReach(one, base))) {
        input.onProgress(
          `jobs on ${entry.name} cannot reach ${base}: they are polled, and a cancelled task may still start there; set public_url under [server]`,
        );
      }
    },
  };
};

const readinessOf =
  ({ store, lines }: Parts) =>
  async () => {
    if (!lines.some((line) => line.isChecked())) {
      return { ok: false, reason: 'no destination has run its check job yet' };
    }
    await store.ping({ signal: AbortSignal.timeout(PING_LIMIT_MS) });
    return { ok: true };
  };

const createDoors = ({ config, logger }: CreateAppInput, parts: Parts): Api =>
  createApi({
    store: parts.store,
    box: parts.box,
    changes: parts.changes,
    ...parts.logs,
    ids,
    clock: systemClock,
    logger,
    serviceInfo: serviceInfoOf(config, readVersion()),
    storage: {
      files: createAllowList(parts.storages),
      schemes: parts.storages.schemes,
    },
    limits: {
      bodyBytes: config.limits.body_bytes,
      contentBytes: config.limits.content_bytes,
      perOwner: {
        queued: config.limits.owner_queued,
        stored: config.limits.owner_stored,
      },
    },
    http: {
      trustProxy: config.server.trust_proxy,
      publicUrl: config.server.public_url,
      rates: { reads: config.api.reads_per_minute, writes: config.api.writes_per_minute },
    },
    settleMs: config.api.settle_s * 1000,
    repeatWindowMs: config.api.repeat_window_s * 1000,
    health: { ready: readinessOf(parts) },
    jobs: { keyFor: parts.keys.beacon, receive: parts.dispatcher.receive },
    relay: {
      store: parts.store,
      box: parts.box,
      storageOf: parts.storages.storageOf,
      directOf: (name) => config.destinations.find((one) => one.name === name)?.direct ?? [],
      relayTokenFor: parts.keys.relay,
    },
    runnerSchema: parts.runnerSchema,
    security: {
      allowedHosts: allowedHostsOf(config),
      allowedOrigins: allowedOriginsOf(config),
    },
    access: {
      ...createAccess(accessOptionsOf(config), { clock: systemClock, logger }),
      tokenHeader: config.auth.token_header,
      tokenParameter: config.auth.token_parameter,
      networks: config.server.allowed_networks,
    },
  });

const urlOf = ({ server }: Config, port: number): string => {
  const everywhere = server.host === '0.0.0.0' || server.host === '::';
  const host = server.host.includes(':') ? `[${server.host}]` : server.host;
  return `http://${everywhere ? '127.0.0.1' : host}:${String(port)}`;
};

/** Tasks and debts of a destination that no server takes care of: say so. */
const warnOfLostDestinations = async (
  { config, logger, onProgress, timing = DEFAULT_TIMING }: CreateAppInput,
  { store }: Parts,
  signal: AbortSignal,
) => {
  const own = new Set(config.destinations.map(({ name }) => name));
  for (const name of await lostDestinations({ store, clock: systemClock, timing, own }, signal)) {
    logger.warn('a destination with work left is not configured', { destination: name });
    onProgress(
      `tasks or jobs are left on the destination "${name}", which is not configured: configure it again under that name (max_jobs = 0 takes nothing new) until they have ended`,
    );
  }
};

export const createApp = (input: CreateAppInput): App => {
  const { config, logger } = input;
  const life = new AbortController();
  const releases = createReleases();
  let parts: Parts | undefined;

  const start = async (signal: AbortSignal): Promise<{ readonly url: string }> => {
    const giveUp = () => {
      life.abort(new MagnetarError('STOPPING', 'the start was called off'));
    };
    signal.addEventListener('abort', giveUp, { once: true });
    releases.push(lockDataDirectory(config.data));
    const secret = await loadInstallSecret(config.data, config.secret);
    const opened = await openStore(config, logger);
    releases.push(() => opened.store.close());
    await claimEmbedded(opened.store, config, life.signal);
    const runnerFiles = await readRunnerFiles();
    const built = createParts(input, { opened, secret, runnerFiles, releases });
    const doors = createDoors(input, built);
    const { host, port } = config.server;
    const listener = await listen(doors.app, { host, port, logger });
    releases.push(() => listener.close(HTTP_GRACE_MS));
    const url = urlOf(config, listener.port);
    built.setUrl(url);
    parts = built;
    const warned = warnOfLostDestinations(input, built, life.signal).catch((error: unknown) => {
      if (!life.signal.aborted) logger.warn('destinations cannot be compared', { error });
    });
    releases.push(() => warned);
    const ended = built.dispatcher.run(life.signal);
    releases.push(() => ended);
    releases.push(() => {
      doors.drain();
      life.abort(new MagnetarError('STOPPING', 'the server is stopping'));
    });
    await Promise.all(built.lines.filter(({ own }) => own).map(({ ready }) => ready));
    signal.removeEventListener('abort', giveUp);
    return { url };
  };

  const dispatcher = () => parts?.dispatcher;
  return { start, ...createEnding({ dispatcher, releases, clock: systemClock, logger }) };
};
