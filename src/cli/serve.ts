/** `magnetar serve`: starts the application, waits for the signals that main.ts forwards, stops it. */
import { setTimeout as sleep } from 'node:timers/promises';
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
  /** Tasks under way. */
  running(): number;
  /** Running jobs go on; answers how many. */
  stop(): Promise<{ readonly running: number }>;
  /** Before or during `stop`. */
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

const tasksGoOn = (running: number): string =>
  running === 0
    ? 'no task is running'
    : `${String(running)} running ${running === 1 ? 'task goes' : 'tasks go'} on and will be found at the next start`;

const stoppingLine = (running: number): string =>
  `stopping; ${tasksGoOn(running)}. Ctrl-C again ${running === 0 ? '' : 'cancels what runs and '}ends at once`;

/** After a second Ctrl-C whatever is still open has so long to close. */
const FORCED_CLOSE_MS = 1_000;

/** Cancels what runs; what then does not close in time is left to the end of the process. */
const forceEnd = async (app: App, stopped: Promise<unknown>, output: Output): Promise<void> => {
  if (app.running() > 0) output.note('cancelling what runs; Ctrl-C again does not wait for it');
  await app.cancelAll().catch((error: unknown) => {
    output.note(`could not cancel all: ${messageOf(error)}`);
  });
  await Promise.race([Promise.allSettled([stopped]), sleep(FORCED_CLOSE_MS)]);
  output.note('ended by a second Ctrl-C');
};

const stopApp = async (app: App, { cancel, output }: ServeHost): Promise<number> => {
  const stopped = app.stop();
  await Promise.race([stopped, aborted(cancel)]);
  if (cancel.aborted) {
    await forceEnd(app, stopped, output);
    return EXIT.forced;
  }
  output.note(`stopped; ${tasksGoOn((await stopped).running)}`);
  return EXIT.ok;
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
  const { output, stop, cancel } = host;
  void aborted(stop).then(() => {
    output.note(stoppingLine(app.running()));
  });
  const bringUp = async (): Promise<void> => {
    try {
      const { url } = await app.start(stop);
      output.line(`Magnetar listens on ${url}`);
    } catch (error) {
      if (stop.aborted) return; // called off
      await app.stop();
      throw explain(error, config) ?? error;
    }
  };
  await Promise.race([bringUp(), aborted(cancel)]);
  await aborted(stop);
  return stopApp(app, host);
};
