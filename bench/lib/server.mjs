/** The built server in a process of its own, on a folder of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
/** The tests' Pulsar saves an install; without it the server makes its own. */
const VENV = at('.cache/pulsar/venv');

const listening = async (child, pattern) => {
  let said = '';
  const found = new Promise((resolve) => {
    const listen = (text) => {
      said += text;
      const match = pattern.exec(said);
      if (match) resolve(match[1]);
    };
    child.stdout.setEncoding('utf8').on('data', listen);
    child.stderr.setEncoding('utf8').on('data', listen);
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`it ended at once:\n${said}`);
  });
  return Promise.race([found, ended]);
};

export const BIN = at('bin/magnetar');

/** `more`: lines of the configuration; `destination`: of its destination; `prepare`: what is done to the data directory before the start. */
export const startMagnetar = async ({ runtime, maxJobs, more = '', destination = '', prepare }) => {
  const directory = mkdtempSync(join(tmpdir(), 'magnetar-bench-'));
  const data = join(directory, 'data');
  mkdirSync(join(data, 'pulsar'), { recursive: true });
  if (existsSync(VENV)) symlinkSync(VENV, join(data, 'pulsar', 'venv'));
  const config = join(directory, 'bench.toml');
  writeFileSync(
    config,
    `${more}[log]\nlevel = "warn"\n[[destinations]]\nname = "local"\ntransport = "embedded"\nruntime = "${runtime}"\npull = "never"\nmax_jobs = ${String(maxJobs)}\n${destination}`,
  );
  await prepare?.(data);
  const child = spawn(BIN, ['serve', '--config', config, '--data', data, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const url = await listening(child, /listens on (\S+)/);
  return {
    url,
    data,
    pid: child.pid,
    /** Where the same Pulsar can be used by hand. */
    pulsar: () => {
      const { port, privateToken } = JSON.parse(
        readFileSync(join(data, 'pulsar', 'state.json'), 'utf8'),
      );
      return { url: `http://127.0.0.1:${String(port)}`, token: privateToken };
    },
    /** Linux counts in hundredths of a second. */
    cpuSeconds: () => {
      const stat = readFileSync(`/proc/${String(child.pid)}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    memoryMiB: () =>
      Number(
        /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(child.pid)}/status`, 'utf8'))?.[1],
      ) / 1024,
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

/** An Express application that does the same HTTP work and nothing else. */
export const startBaseline = async () => {
  const child = spawn(process.execPath, [at('bench/lib/baseline-server.mjs')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const url = await listening(child, /listens on (\S+)/);
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
};
