/** The most memory that a process has held since it was looked at last: Linux keeps it, and forgets it when told. */
import { readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';

const EVERY_MS = 50;

const field = (pid, name) => {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
};

/** Of a runner: it works in the folder of its job. */
const isRunner = (pid, data) => {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return (
      command.includes('inputs/runner.py') && readlinkSync(`/proc/${pid}/cwd`).startsWith(data)
    );
  } catch {
    return false; // it has ended
  }
};

const runnersOf = (data) =>
  readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isRunner(name, data));

/** `stop` answers MiB: how far the server grew, and the most of any runner. */
export const watchMemory = ({ pid, data }) => {
  writeFileSync(`/proc/${String(pid)}/clear_refs`, '5');
  const before = field(pid, 'VmRSS');
  let runner = 0;
  const look = () => {
    for (const one of runnersOf(data)) {
      try {
        runner = Math.max(runner, field(one, 'VmHWM') || 0);
      } catch {
        // it ended between two looks
      }
    }
  };
  const timer = setInterval(look, EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      return { server: field(pid, 'VmHWM') - before, runner };
    },
  };
};
