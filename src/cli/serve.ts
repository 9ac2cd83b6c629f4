/** `magnetar serve`: starts the application, waits for the signals that main.ts forwards, stops it. */
import { redactConfig } from '../config/render.ts';
import type { Config } from '../config/types.ts';
import { MagnetarError, messageOf } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { createLogger } from '../observability/logger.ts';
import { prepareDataDirectory } from './data-directory.ts';
import { EXIT } from './exit-codes.ts';
import type { Output } from './output.ts';

/** The application as src/app.ts builds it. */
export interface App {
  start(signal: AbortSignal): Promise<{ readonly url: string }>;
  /** Running jobs go on; answers how many. */
  stop(): Promise<{ readonly running: number }>;
  cancelAll(): Promise<void>;
}

export interface AppInput {
  readonly config: Config;
  readonly logger: Logger;
  /** Slow steps of the start, for people. */
  readonly onProgress: (line: string) => void;
}

export interface ServeHost {
  readonly output: Output;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly createApp: (input: AppInput) => App | Promise<App>;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly stop: AbortSignal;
  /** Aborts at the second. */
  readonly cancel: AbortSignal;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });

const codeOf = (error: unknown): unknown =>
  error instanceof Error ? Reflect.get(error, 'code') : undefined;

const startFailures = (config: Config): Readonly<Record<string, string>> => {
  const { host, port } = config.server;
  const other = String(port < 65_535 ? port + 1 : 8080);
  return {
    EADDRINUSE: `port ${String(port)} on ${host} is taken; stop the program that has it or take another: --port ${other}`,
    EADDRNOTAVAIL: `${host} is no address of this machine; see --host`,
    EACCES: `not allowed to listen on ${host} port ${String(port)}; take a port above 1023: --port 8080`,
  };
};

const explain = (error: unknown, config: Config): MagnetarError | undefined => {
  const message = startFailures(config)[String(codeOf(error))];
  return message === undefined
    ? undefined
    : new MagnetarError('STARTUP', message, { cause: error });
};

const stopApp = async (app: App, host: ServeHost): Promise<void> => {
  host.output.note('stopping; running tasks go on. Ctrl-C again cancels them first');
  const canceled = aborted(host.cancel).then(async () => {
    host.output.note('cancelling the running tasks');
    await app.cancelAll();
  });
  const canceling = canceled.catch((error: unknown) => {
    host.output.note(`could not cancel all: ${messageOf(error)}`);
  });
  const { running } = await app.stop();
  if (host.cancel.aborted) await canceling;
  host.output.note(
    running === 0
      ? 'stopped; no task is running'
      : `stopped; ${String(running)} running ${running === 1 ? 'task goes' : 'tasks go'} on and will be found at the next start`,
  );
};

/** What only several processes on one database can get wrong. */
const warnOfSecret = ({ secret, store }: Config, logger: Logger): void => {
  if (secret !== '' || store.url.startsWith('sqlite:')) return;
  logger.warn(
    'no `secret` is configured: other processes on this MongoDB do not know the keys of these jobs; give all of them the same `secret` (openssl rand -hex 32)',
  );
};

/** Runs the server until `host.stop`; answers the exit code. */
export const serve = async (config: Config, host: ServeHost): Promise<number> => {
  const logger = createLogger({ config: config.log, stream: host.stderr });
  logger.debug('configuration read', { config: redactConfig(config) });
  warnOfSecret(config, logger);
  const onProgress = (line: string): void => {
    host.output.line(line);
  };
  prepareDataDirectory(config.data);
  const app = await host.createApp({ config, logger, onProgress });
  try {
    const { url } = await app.start(host.stop);
    host.output.line(`Magnetar listens on ${url}`);
  } catch (error) {
    await app.stop();
    if (host.stop.aborted) return EXIT.ok;
    throw explain(error, config) ?? error;
  }
  await aborted(host.stop);
  await stopApp(app, host);
  return EXIT.ok;
};
