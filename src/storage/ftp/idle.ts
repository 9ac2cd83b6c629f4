/** Logged-in connections without work, for whoever needs the same login next. */
import type { FtpConnection } from './connection.ts';

export interface IdleConnections {
  readonly size: () => number;
  /** The one used last: the likeliest to be open still. */
  take(login: string): FtpConnection | undefined;
  put(login: string, connection: FtpConnection): void;
  /** Closes the oldest beyond so many; of all, or of one login. */
  trim(most: number, login?: string): void;
}

/** Servers close idle connections after minutes; a task's next file comes within seconds. */
const IDLE_MS = 30_000;

interface Idle {
  readonly login: string;
  readonly connection: FtpConnection;
  readonly timer: NodeJS.Timeout;
}

export const createIdle = (onClose: () => void): IdleConnections => {
  const kept = new Set<Idle>();
  const of = (login: string | undefined): readonly Idle[] =>
    [...kept].filter((one) => login === undefined || one.login === login);

  const remove = (one: Idle): FtpConnection => {
    kept.delete(one);
    clearTimeout(one.timer);
    one.connection.client.ftp.socket.ref();
    return one.connection;
  };
  const discard = (one: Idle): void => {
    remove(one).close();
    onClose();
  };

  return {
    size: () => kept.size,
    take(login) {
      const last = of(login).at(-1);
      return last === undefined ? undefined : remove(last);
    },
    put(login, connection) {
      connection.client.ftp.socket.unref(); // no reason to keep the process
      const timer = setTimeout(() => discard(one), IDLE_MS).unref();
      const one = { login, connection, timer };
      kept.add(one);
    },
    trim(most, login) {
      const found = of(login);
      for (const one of found.slice(0, Math.max(0, found.length - most))) discard(one);
    },
  };
};
