/** `magnetar serve`: starts the application, waits for the signals that main.ts forwards, stops it. */
import { redactConfig } from '../config/render.ts';
import type { Config } from '../config/types.ts';
import { MagnetarError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { createLogger } from '../observability/logger.ts';
import { prepareDataDirectory } from './data-directory.ts';
import type { Output } from './output.ts';
import { aborted, stopApp, stoppingLine, type Stoppable } from './stopping.ts';

/** The application as src/app.ts builds it. */
export interface App extends Stoppable {
  start(signal: AbortSignal): Promise<{ readonly url: string }>;
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
  return stopApp(app, cancel, output);
};
