/** Builds the adapter that a configuration names. */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../config/environment.ts';
import type { Config, DestinationConfig, EmbeddedDestinationConfig } from '../config/types.ts';
import type { Logger } from '../kernel/logger.ts';
import { createEmbeddedPulsar } from '../pulsar/embedded/embedded-pulsar.ts';
import { findPython, type Python } from '../pulsar/embedded/python.ts';
import { createRestTransport } from '../pulsar/rest/rest-transport.ts';
import type { OpenStore } from '../store/change-hub.ts';
import { createSqliteStore } from '../store/sqlite/sqlite-store.ts';
import { METADATA_FILES } from '../tasks/metadata-files.ts';
import type { JobTransport } from '../tasks/ports/job-transport.ts';

const SQLITE = 'sqlite:';

export const openStore = async (config: Config, logger: Logger): Promise<OpenStore> => {
  const { url } = config.store;
  if (url.startsWith(SQLITE)) return createSqliteStore({ path: url.slice(SQLITE.length), logger });
  const { createMongoStore } = await import('../store/mongo/mongo-store.ts');
  return createMongoStore({ url, logger });
};

/** A transport and what it takes to have its Pulsar there. */
export interface OpenTransport {
  readonly transport: JobTransport;
  /** Where our own Pulsar keeps its jobs; a real path. */
  readonly folder?: string;
  /** The Pulsar is ours: starting it may take a while, and failing is a reason not to start. */
  readonly start?: (signal: AbortSignal, onProgress: (line: string) => void) => Promise<void>;
  stop(): Promise<void>;
}

/** Variables by which people steer their container engine and their package index. */
const JOB_VARIABLES = [
  'DOCKER_HOST',
  'CONTAINER_HOST',
  'CONTAINERS_CONF',
  'CONTAINERS_STORAGE_CONF',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
];
const INSTALL_VARIABLES = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'PIP_INDEX_URL',
  'PIP_CERT',
  'PIP_CONFIG_FILE',
  'SSL_CERT_FILE',
];

const only = (environment: Environment, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

const pathAndHome = (environment: Environment) => ({
  PATH: environment['PATH'] ?? '/usr/bin:/bin',
  HOME: environment['HOME'] ?? '/',
});

const namedPython = ({ python }: EmbeddedDestinationConfig) => (python === '' ? {} : { python });

/** The Python that the destination's Pulsar would use. Throws STARTUP that says what to install. */
export const findPythonOf = (
  entry: EmbeddedDestinationConfig,
  environment: Environment,
  signal: AbortSignal,
): Promise<Python> =>
  findPython({ ...namedPython(entry), environment: pathAndHome(environment), signal });

const openEmbedded = (
  config: Config,
  entry: EmbeddedDestinationConfig,
  environment: Environment,
  logger: Logger,
): OpenTransport => {
  const { name } = entry;
  const directory = join(config.data, name === 'local' ? 'pulsar' : `pulsar-${name}`);
  const pulsar = createEmbeddedPulsar({
    directory,
    ...namedPython(entry),
    environment: pathAndHome(environment),
    installEnvironment: only(environment, INSTALL_VARIABLES),
    jobEnvironment: only(environment, JOB_VARIABLES),
    reportName: METADATA_FILES.report,
    logger,
  });
  return {
    transport: pulsar.transport,
    folder: realpathSync(config.data),
    start: (signal, onProgress) => pulsar.start(signal, onProgress),
    stop: () => pulsar.stop(),
  };
};

export const openTransport = (
  config: Config,
  entry: DestinationConfig,
  environment: Environment,
  logger: Logger,
): OpenTransport => {
  switch (entry.transport) {
    case 'embedded':
      return openEmbedded(config, entry, environment, logger);
    case 'rest': {
      const transport = createRestTransport({
        url: entry.url,
        reportName: METADATA_FILES.report,
        ...(entry.private_token === '' ? {} : { privateToken: entry.private_token }),
        ...(entry.manager === '' ? {} : { manager: entry.manager }),
      });
      return { transport, stop: () => transport.close() };
    }
  }
};
