/** Ctrl-C in the quick start: what runs is ended with all it started, and no further command begins. */
import { runLoud } from './run.mjs';

/** npm would take a quarter of a minute to tidy up what the next `npm ci` begins anew. */
const GRACE_MS = 2_000;

const groups = new Set();
let interrupted = false;

export const isInterrupted = () => interrupted;

const signalGroups = (signal) => {
  for (const pid of groups) {
    try {
      process.kill(-pid, signal);
    } catch {
      // it has ended meanwhile
    }
  }
};

export const watchInterrupts = () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      interrupted = true;
      signalGroups(signal);
      setTimeout(() => signalGroups('SIGKILL'), GRACE_MS).unref();
    });
  }
};

/** Like runLoud, in a process group of its own: signals reach it through us, down to its last descendant. */
export const runInGroup = async (program, args, options) => {
  if (interrupted) return 130;
  const started = [];
  const onSpawn = ({ pid }) => {
    if (pid === undefined) return;
    started.push(pid);
    groups.add(pid);
  };
  const code = await runLoud(program, args, { ...options, detached: true, onSpawn });
  for (const pid of started) groups.delete(pid);
  return code;
};
