/** What the quick start asks of the machine: Node, the dependencies, Python, a container runtime. */
import { existsSync, readFileSync } from 'node:fs';
import { inRoot, isInstalled, isRoot, runLoud, secondsSince, works } from './run.mjs';
import { digestOf, isCurrent, writeStamp } from './stamp.mjs';
import { Stop } from './stop.mjs';

const MIN_NODE = [20, 19];

export const ensureNode = () => {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [wantedMajor, wantedMinor] = MIN_NODE;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  throw new Stop(
    `this is Node ${process.versions.node}; install Node ${MIN_NODE.join('.')} or newer`,
  );
};

const STAMP = inRoot('node_modules', '.quickstart-stamp');

/** npm's own record of what it installed is newer than the lock file. */
const isInstalledByNpm = () => {
  const record = inRoot('node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const { packages: wanted } = JSON.parse(readFileSync(inRoot('package-lock.json'), 'utf8'));
  const { packages: present } = JSON.parse(readFileSync(record, 'utf8'));
  return Object.entries(wanted).every(
    ([name, { version, optional }]) =>
      name === '' || optional || present[name]?.version === version,
  );
};

/** `npm ci` only when node_modules is not what the lock file says. */
export const ensureDependencies = async (say) => {
  const digest = digestOf(['package-lock.json']);
  if (isCurrent(STAMP, digest) || isInstalledByNpm()) {
    say('up to date');
  } else {
    const start = performance.now();
    say('npm ci: fetching about 350 packages, half a minute on a good line');
    const code = await runLoud('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
    if (code !== 0) {
      throw new Stop(
        'npm ci failed: is the package registry reachable? The first start needs it, later ones do not',
      );
    }
    say(`installed in ${secondsSince(start)}`);
  }
  writeStamp(STAMP, digest);
};

export const ensurePython = (say) => {
  if (!isInstalled('python3')) {
    throw new Stop('Python 3 is missing: apt-get install python3 python3-venv');
  }
  if (!works('python3', '-c', 'import venv, ensurepip')) {
    throw new Stop('the venv module of Python 3 is missing: apt-get install python3-venv');
  }
  say('Python 3 with venv: found');
};

const BWRAP_TRIAL = ['--ro-bind', '/', '/', '--dev', '/dev', '--unshare-all', 'true'];

/** In the order in which `runtime = "auto"` is described to people. */
const RUNTIMES = {
  docker: () => works('docker', 'version'),
  podman: () => works('podman', 'info'),
  apptainer: () => works('apptainer', '--version'),
  bubblewrap: () => works('bwrap', ...BWRAP_TRIAL),
};

const foundRuntimes = () => Object.keys(RUNTIMES).filter((name) => RUNTIMES[name]());

const BUBBLEWRAP_WORDS = `bubblewrap runs tasks without images: the image of a task is ignored, the host's own programs run, read-only;
  there is no memory limit. Good for a trial by one trusted user; install docker or podman for more.`;

const hasApt = () => isInstalled('apt-get');

const installBubblewrap = async (say) => {
  say('no container runtime found; installing bubblewrap (apt-get install bubblewrap)');
  await runLoud('apt-get', ['update', '-qq']);
  await runLoud('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'bubblewrap']);
};

const ADVICE = {
  linux: 'sudo apt-get install bubblewrap   (or install podman or docker)',
  darwin:
    'install and start Docker Desktop, or: brew install podman && podman machine init && podman machine start',
};

export const ensureRuntime = async (say) => {
  if (foundRuntimes().length === 0 && process.platform === 'linux' && isRoot() && hasApt()) {
    await installBubblewrap(say);
  }
  const found = foundRuntimes();
  if (found.length === 0) {
    throw new Stop(
      `no container runtime works here; get one:\n  ${ADVICE[process.platform] ?? ADVICE.linux}`,
    );
  }
  say(`container runtimes: ${found.join(', ')}`);
  if (found.length === 1 && found[0] === 'bubblewrap') say(`  ${BUBBLEWRAP_WORDS}`);
};
