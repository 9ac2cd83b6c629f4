/** FerretDB: the MongoDB wire protocol on SQLite files. Built once from its Go module into `.cache/`; each start has a port and a folder of its own. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  access,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from '../until.ts';

const VERSION = 'v1.24.2';
const MODULE = `github.com/FerretDB/FerretDB@${VERSION}`;
const CACHE = fileURLToPath(new URL('../../../.cache/', import.meta.url));
const BINARY = join(CACHE, `ferretdb-${VERSION}`);

const run = promisify(execFile);

const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
};

/** The module cache is read-only, and so would be a copy of it. */
const makeWritable = async (folder: string): Promise<void> => {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
  }
};

/** Panics at start unless its version file is there, and the module does not bring it. */
const build = async (): Promise<void> => {
  const work = await mkdtemp(join(tmpdir(), 'ferretdb-build-'));
  try {
    const { stdout } = await run('go', ['mod', 'download', '-json', MODULE], { cwd: work });
    const found: unknown = JSON.parse(stdout);
    if (typeof found !== 'object' || found === null || !('Dir' in found)) {
      throw new Error(`go did not say where ${MODULE} is`);
    }
    const source = join(work, 'source');
    await cp(String(found.Dir), source, { recursive: true });
    await makeWritable(source);
    await writeFile(join(source, 'build', 'version', 'version.txt'), `${VERSION}\n`);
    const built = join(work, 'ferretdb');
    const flags = ['-mod=mod', '-trimpath', '-ldflags', '-s -w', '-o', built];
    await run('go', ['build', ...flags, './cmd/ferretdb'], { cwd: source });
    await mkdir(CACHE, { recursive: true });
    await cp(built, `${BINARY}.${String(process.pid)}`);
    await rename(`${BINARY}.${String(process.pid)}`, BINARY);
  } finally {
    await rm(work, { recursive: true });
  }
};

/** Whether FerretDB is there or can be built. */
export const canRunFerretDb = async (): Promise<boolean> => {
  if (await exists(BINARY)) return true;
  try {
    await run('go', ['version']);
    return true;
  } catch {
    return false;
  }
};

const freePort = async (): Promise<number> => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
};

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });

export interface FerretDb {
  readonly port: number;
  stop(): Promise<void>;
}

export const startFerretDb = async (): Promise<FerretDb> => {
  if (!(await exists(BINARY))) await build();
  const folder = await mkdtemp(join(tmpdir(), 'ferretdb-'));
  await mkdir(join(folder, 'data'));
  const port = await freePort();
  const options = ['--handler=sqlite', '--sqlite-url=file:data/', '--state-dir=.'];
  const quiet = ['--debug-addr=-', '--telemetry=disable', '--log-level=ERROR'];
  const child = spawn(BINARY, [...options, ...quiet, `--listen-addr=127.0.0.1:${String(port)}`], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error('FerretDB ended at its start');
      return answers(port);
    },
    { timeoutMs: 30_000, everyMs: 50, what: 'FerretDB' },
  );
  return {
    port,
    async stop() {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
};
