/** The native part of better-sqlite3: loaded, else taken from .cache, else downloaded or compiled. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { inRoot, isInstalled, runLoud, ticking } from './run.mjs';

const PACKAGE = inRoot('node_modules', 'better-sqlite3');
const BINARY = path.join(PACKAGE, 'build', 'Release', 'better_sqlite3.node');
const COMPILER = ['g++', 'make', 'python3'];

const loads = () =>
  spawnSync(process.execPath, ['-e', "new (require('better-sqlite3'))(':memory:').close()"], {
    cwd: inRoot(),
    stdio: 'ignore',
  }).status === 0;

const cachedFile = () => {
  const { version } = JSON.parse(readFileSync(path.join(PACKAGE, 'package.json'), 'utf8'));
  const { platform, arch, versions } = process;
  const libc =
    platform === 'linux' ? (process.report.getReport().header.glibcVersionRuntime ?? 'musl') : '';
  const name = `better-sqlite3-${version}-abi${versions.modules}-${platform}${libc}-${arch}.node`;
  return inRoot('.cache', name);
};

const copy = (from, to) => {
  mkdirSync(path.dirname(to), { recursive: true });
  copyFileSync(from, to);
};

const isFromCache = () => {
  if (!existsSync(cachedFile())) return false;
  copy(cachedFile(), BINARY);
  return loads();
};

/** Headers that came with this Node spare their download. */
const headerOptions = () => {
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  return existsSync(path.join(prefix, 'include', 'node', 'node.h'))
    ? { npm_config_nodedir: prefix }
    : {};
};

const rebuild = (...options) =>
  runLoud(
    'npm',
    ['rebuild', 'better-sqlite3', '--ignore-scripts=false', '--no-progress', ...options],
    {
      env: { ...process.env, ...headerOptions() },
    },
  );

const ADVICE =
  'The native part of better-sqlite3 can neither be downloaded nor compiled here. Install a compiler:\n' +
  '  Debian, Ubuntu: apt-get install g++ make python3      macOS: xcode-select --install\n' +
  'and run this again.\n';

/** Makes sure that better-sqlite3 can be loaded; answers whether it can. */
export const ensureNative = async (say) => {
  if (loads()) return true;
  if (isFromCache()) return true;
  const missing = COMPILER.filter((program) => !isInstalled(program));
  say(
    'SQLite: fetching the prebuilt native part, or compiling it where that cannot be reached (one to four minutes)' +
      (missing.length === 0 ? '' : `; a compiler would need ${missing.join(', ')}, not installed`),
  );
  await ticking(say, 'SQLite', () => rebuild());
  if (!loads() && missing.length === 0) {
    await ticking(say, 'SQLite, from source', () => rebuild('--build-from-source'));
  }
  if (!loads()) {
    process.stderr.write(ADVICE);
    return false;
  }
  copy(BINARY, cachedFile());
  return true;
};
