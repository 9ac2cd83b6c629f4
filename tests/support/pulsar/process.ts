/** Processes of tests, always by their id. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';

/** False for a process that is gone or of which only the entry is left. */
export const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return process.platform !== 'linux';
  }
};

export const signalTo = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // it is gone
  }
};

/** Children of a process, from /proc. */
export const childrenOf = (pid: number): readonly number[] => {
  const isChild = (entry: string): boolean => {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
    } catch {
      return false;
    }
  };
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && isChild(entry))
    .map(Number);
};

/** Processes whose command or working folder names the job, from /proc. */
export const processesOf = (job: string): readonly number[] => {
  const belongs = (entry: string): boolean => {
    try {
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
      return command.includes(job) || readlinkSync(`/proc/${entry}/cwd`).includes(job);
    } catch {
      return false;
    }
  };
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && belongs(entry))
    .map(Number);
};

/** A Pulsar that takes connections and never answers, until the returned function is called. */
export const freeze = (pid: number): (() => void) => {
  const pids = [pid, ...childrenOf(pid)];
  for (const one of pids) signalTo(one, 'SIGSTOP');
  return () => {
    for (const one of pids) signalTo(one, 'SIGCONT');
  };
};

/** A port of 127.0.0.1 on which nobody listens now. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no free port');
  return address.port;
};
