/** Connections to FTP servers: bounded for each host, kept for a while when their work is done, never used twice at once. */
import { MagnetarError } from '../../kernel/errors.ts';
import { createGate } from '../../kernel/gate.ts';
import { linkAbort } from '../../kernel/link-abort.ts';
import { abortReason } from '../connect/failures.ts';
import { openConnection, type ConnectOptions, type FtpConnection } from './connection.ts';
import { createIdle, type IdleConnections } from './idle.ts';
import type { Place } from './places.ts';

export interface PoolOptions extends ConnectOptions {
  /** Connections to one host at once, idle ones included. */
  readonly connections: number;
}

/** Ends the use of a connection that `work` kept; one that is not `whole` is thrown away. */
export type Release = (whole: boolean) => void;

export type Work<Result> = (connection: FtpConnection, keep: () => Release) => Promise<Result>;

export interface Pool {
  /** Runs `work` on a connection that is its own until `work` ends or, if `work` keeps it, until it is released. */
  use<Result>(place: Place, signal: AbortSignal, work: Work<Result>): Promise<Result>;
  close(): void;
}

const MOST_IDLE = 4;

const loginOf = ({ security, user, password, absolute }: Place): string =>
  JSON.stringify([security, user, password, absolute]);

/** Runs `work` while an abort closes the connection. */
const closedBy = async <Result>(
  signal: AbortSignal,
  connection: FtpConnection,
  work: () => Promise<Result>,
): Promise<Result> => {
  const stop = (): void => connection.close();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', stop);
  }
};

/** An idle connection that still answers; where one does not, the others of its login went the same way. */
const takeIdle = async (
  idle: IdleConnections,
  login: string,
  signal: AbortSignal,
): Promise<FtpConnection | undefined> => {
  const connection = idle.take(login);
  if (connection === undefined) return undefined;
  if (await closedBy(signal, connection, () => connection.isAlive())) return connection;
  connection.close();
  idle.trim(0, login);
  return undefined;
};

interface Job<Result> {
  readonly work: Work<Result>;
  /** Hears the result, which may come before the connection is free again. */
  readonly answer: (result: Result) => void;
}

/** `onEnd` is called before the result, or its end, is heard of: whoever asks next finds the connection. */
const runOn = async <Result>(
  connection: FtpConnection,
  { work, answer }: Job<Result>,
  onEnd: (whole: boolean) => void,
): Promise<void> => {
  let tell = (): void => undefined;
  const ended = new Promise<void>((resolve) => (tell = resolve));
  const use = { isKept: false, isOver: false };
  const end = (whole: boolean): void => {
    if (use.isOver) return;
    use.isOver = true;
    onEnd(whole);
    tell();
  };
  const keep = (): Release => {
    use.isKept = true;
    return end;
  };
  try {
    const result = await work(connection, keep);
    if (!use.isKept) end(true);
    answer(result);
  } catch (error) {
    end(false);
    throw error;
  }
  await ended;
};

const createHostPool = (options: PoolOptions, onEmpty: () => void) => {
  const gate = createGate(options.connections);
  let users = 0;
  let inUse = 0;
  const tellWhenEmpty = (): void => {
    if (users === 0 && idle.size() === 0) onEmpty();
  };
  const idle = createIdle(tellWhenEmpty);

  const run = async <Result>(
    place: Place,
    signal: AbortSignal,
    job: Job<Result>,
  ): Promise<void> => {
    const login = loginOf(place);
    const open = (): Promise<FtpConnection> => {
      idle.trim(options.connections - inUse);
      return openConnection(options, place, signal);
    };
    const taken = (await takeIdle(idle, login, signal)) ?? (await open());
    const onEnd = (whole: boolean): void => {
      if (whole && !taken.client.closed) idle.put(login, taken);
      else taken.close();
      idle.trim(MOST_IDLE);
    };
    await closedBy(signal, taken, () => runOn(taken, job, onEnd));
  };

  return {
    async use<Result>(place: Place, signal: AbortSignal, job: Job<Result>): Promise<void> {
      users += 1;
      try {
        await gate.run(async () => {
          inUse += 1;
          try {
            await run(place, signal, job);
          } finally {
            inUse -= 1;
          }
        }, signal);
      } finally {
        users -= 1;
        tellWhenEmpty();
      }
    },
    close: () => idle.trim(0),
  };
};

export const createPool = (options: PoolOptions): Pool => {
  const hosts = new Map<string, ReturnType<typeof createHostPool>>();
  const closed = new AbortController();

  const hostOf = ({ host, port }: Place) => {
    const key = `${host}:${String(port)}`;
    const pool = hosts.get(key) ?? createHostPool(options, () => hosts.delete(key));
    hosts.set(key, pool);
    return pool;
  };

  return {
    use: (place, callSignal, work) =>
      new Promise((resolve, reject) => {
        const { signal, unlink } = linkAbort(callSignal, closed.signal);
        hostOf(place)
          .use(place, signal, { work, answer: resolve })
          .catch((error: unknown) =>
            reject(signal.aborted ? abortReason(signal) : (error as Error)),
          )
          .finally(unlink);
      }),
    close() {
      closed.abort(new MagnetarError('ABORTED', 'the storage is closed'));
      for (const host of hosts.values()) host.close();
    },
  };
};
