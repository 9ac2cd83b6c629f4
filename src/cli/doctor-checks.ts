/** The checks of `magnetar doctor` as a table. */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import type { Config, EmbeddedDestinationConfig } from '../config/types.ts';
import { messageOf } from '../kernel/errors.ts';

export interface Finding {
  readonly ok: boolean;
  readonly text: string;
  /** What to do when it is not ok. */
  readonly advice?: string;
}

/** Answers where the Python of a destination is; rejects with what to do. */
export type FindPython = (
  destination: EmbeddedDestinationConfig,
  signal: AbortSignal,
) => Promise<{ readonly path: string; readonly version: string }>;

export interface CheckInput {
  readonly config: Config;
  readonly findPython: FindPython;
}

export interface Check {
  readonly name: string;
  readonly run: (input: CheckInput) => Finding | Promise<Finding>;
}

const CALL_LIMIT_MS = 15_000;

interface CallResult {
  readonly ok: boolean;
  readonly text: string;
}

const call = (program: string, ...args: readonly string[]): Promise<CallResult> =>
  new Promise((resolve) => {
    execFile(program, [...args], { timeout: CALL_LIMIT_MS }, (error, stdout, stderr) => {
      const text = (error === null ? stdout : stderr || error.message).trim();
      resolve({ ok: error === null, text: text.split('\n').slice(-1)[0] ?? '' });
    });
  });

const found = async (
  advice: string,
  program: string,
  ...args: readonly string[]
): Promise<Finding> => {
  const { ok, text } = await call(program, ...args);
  if (ok) return { ok, text: text === '' ? 'works' : text };
  return { ok, text: text.includes('ENOENT') ? 'not installed' : text, advice };
};

const PLATFORMS = ['linux x64', 'linux arm64', 'darwin x64', 'darwin arm64'];

const checkPlatform = (): Finding => {
  const platform = `${process.platform} ${process.arch}`;
  return PLATFORMS.includes(platform)
    ? { ok: true, text: platform }
    : {
        ok: false,
        text: platform,
        advice: 'use Linux (x86-64, arm64), macOS with Docker or podman, or WSL2 on Windows',
      };
};

const MIN_NODE = [20, 19];

const checkNode = (): Finding => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = MIN_NODE;
  const ok = major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
  const text = process.versions.node;
  return ok ? { ok, text } : { ok, text, advice: 'install Node 20.19 or newer' };
};

export const embeddedOf = ({ destinations }: Config): readonly EmbeddedDestinationConfig[] =>
  destinations.filter((destination) => destination.transport === 'embedded');

/** What the server itself will find. */
const checkPython = async ({ config, findPython }: CheckInput): Promise<Finding> => {
  const signal = AbortSignal.timeout(CALL_LIMIT_MS);
  try {
    const found = await Promise.all(
      embeddedOf(config).map((destination) => findPython(destination, signal)),
    );
    const texts = found.map(({ version, path: file }) => `${version} (${file})`);
    return { ok: true, text: [...new Set(texts)].join(', ') };
  } catch (error) {
    return { ok: false, text: 'none fits', advice: messageOf(error) };
  }
};

const nearestExisting = (folder: string): string =>
  existsSync(folder) ? folder : nearestExisting(path.dirname(folder));

const checkData = ({ config }: CheckInput): Finding => {
  const folder = nearestExisting(config.data);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    const created = folder === config.data ? '' : ' (will be created)';
    return { ok: true, text: `${config.data}${created}` };
  } catch {
    return {
      ok: false,
      text: `${folder} is not writable`,
      advice: 'take another data directory: --data DIR',
    };
  }
};

const checkPort = ({ config }: CheckInput): Promise<Finding> =>
  new Promise((resolve) => {
    const { host, port } = config.server;
    const text = `${host}:${String(port)}`;
    const server = createServer();
    server.once('error', (error) => {
      const advice = 'stop the program that has it (perhaps a running Magnetar) or use --port N';
      resolve({ ok: false, text: `${text}: ${error.message}`, advice });
    });
    server.listen({ host, port }, () => {
      server.close(() => {
        resolve({ ok: true, text: `${text} is free` });
      });
    });
  });

/** What the server cannot do without. */
export const CHECKS: readonly Check[] = [
  { name: 'platform', run: checkPlatform },
  { name: 'node', run: checkNode },
  { name: 'data directory', run: checkData },
  { name: 'port', run: checkPort },
];

/** What a Pulsar on this machine needs besides a container runtime. */
export const PULSAR_CHECKS: readonly Check[] = [{ name: 'python3 with venv', run: checkPython }];

const BWRAP_TRIAL = '--ro-bind / / --dev /dev --proc /proc --unshare-all --die-with-parent true';

/** One of these is enough. */
export const RUNTIME_CHECKS: readonly Check[] = [
  {
    name: 'docker',
    run: () =>
      found(
        'install Docker and start its daemon; your user must reach its socket',
        'docker',
        'version',
        '--format',
        '{{.Server.Version}}',
      ),
  },
  {
    name: 'podman',
    run: () =>
      found(
        'apt-get install podman catatonit',
        'podman',
        'info',
        '--format',
        '{{.Version.Version}}',
      ),
  },
  {
    name: 'apptainer',
    run: () => found('see apptainer.org', 'apptainer', '--version'),
  },
  {
    name: 'bubblewrap',
    run: () =>
      found(
        'apt-get install bubblewrap; unprivileged user namespaces must be allowed',
        'bwrap',
        ...BWRAP_TRIAL.split(' '),
      ),
  },
];
