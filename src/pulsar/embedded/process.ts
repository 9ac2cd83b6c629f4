/** Processes by their identity: a pid alone may have become somebody else's. */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../kernel/clock.ts';
import { runCommand } from './command.ts';

export interface ProcessMark {
  readonly pid: number;
  /** Start time in the words of the system. */
  readonly identity: string;
}

/** Fields of /proc/<pid>/stat after the name: the state comes first, the start time in ticks is the twentieth. */
const START_FIELD = 19;

const fromProc = async (pid: number): Promise<string | undefined> => {
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const start = fields[START_FIELD];
  if (start === undefined || fields[0] === 'Z') return undefined;
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${boot.trim()}/${start}`;
};

const PS_ENVIRONMENT = { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' };

const fromPs = async (pid: number): Promise<string | undefined> => {
  const result = await runCommand('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    environment: PS_ENVIRONMENT,
    signal: new AbortController().signal,
  });
  const [state, ...start] = (result.stdout[0] ?? '').trim().split(/\s+/);
  const gone = result.code !== 0 || state === undefined || state.startsWith('Z');
  return gone ? undefined : start.join(' ');
};

/** Undefined when there is no such process, or only what is left of one. */
export const identityOf = (pid: number): Promise<string | undefined> =>
  process.platform === 'linux' ? fromProc(pid) : fromPs(pid);

export const isAlive = async (mark: ProcessMark): Promise<boolean> =>
  (await identityOf(mark.pid)) === mark.identity;

const signalTo = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // it has just ended
  }
};

const POLL_MS = 25;
/** Pulsar needs half a second to stop (protocol F.8); after this long it is killed. */
const TERM_LIMIT_MS = 10_000;
const KILL_LIMIT_MS = 5000;

const waitForEnd = async (mark: ProcessMark, limitMs: number, clock: Clock): Promise<boolean> => {
  const never = new AbortController().signal;
  for (const end = clock.monotonic() + limitMs; clock.monotonic() < end;) {
    if (!(await isAlive(mark))) return true;
    await clock.sleep(POLL_MS, never);
  }
  return !(await isAlive(mark));
};

/** SIGTERM, after a limit SIGKILL; to this one process, and only while it is the one that was marked. */
export const endProcess = async (mark: ProcessMark, clock: Clock): Promise<void> => {
  if (!(await isAlive(mark))) return;
  signalTo(mark.pid, 'SIGTERM');
  if (await waitForEnd(mark, TERM_LIMIT_MS, clock)) return;
  signalTo(mark.pid, 'SIGKILL');
  await waitForEnd(mark, KILL_LIMIT_MS, clock);
};
