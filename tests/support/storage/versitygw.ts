/** versitygw: a strict S3 service on plain files. Built once from its Go module into `.cache/`; each start has a port and a folder of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goProgram } from '../go-program.ts';
import { until } from '../until.ts';
import { freePort } from './ports.ts';

const PROGRAM = {
  name: 'versitygw',
  source: 'github.com/versity/versitygw/cmd/versitygw',
  version: 'v1.8.0',
};

export interface Versitygw {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Buckets and objects as folders and files. */
  readonly data: string;
  stop(): Promise<void>;
}

/** `keepAlive`: as the services of the world do, and this one does not by itself. */
export const startVersitygw = async ({ keepAlive = false } = {}): Promise<Versitygw> => {
  const program = await goProgram(PROGRAM);
  const folder = await mkdtemp(join(tmpdir(), 'versitygw-'));
  const data = join(folder, 'data');
  await mkdir(data);
  const port = await freePort();
  const [accessKey, secretKey] = ['TESTKEY', 'a+secret/with=signs'];
  const server = ['--port', `127.0.0.1:${String(port)}`, '--health', '/healthz', '--quiet'];
  if (keepAlive) server.push('--keep-alive');
  const child = spawn(program, [...server, 'posix', data], {
    cwd: folder,
    env: { ...process.env, ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  const endpoint = `http://127.0.0.1:${String(port)}`;
  const answers = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error('versitygw ended at its start');
    try {
      return (await fetch(`${endpoint}/healthz`)).ok;
    } catch {
      return false;
    }
  };
  await until(answers, { timeoutMs: 30_000, everyMs: 50, what: 'versitygw' });
  return {
    endpoint,
    accessKey,
    secretKey,
    data,
    async stop() {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
};
