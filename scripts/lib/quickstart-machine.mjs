/** What the quick start asks of the machine: Node, the dependencies, Python. */
import { existsSync, readFileSync } from 'node:fs';
import { runInGroup } from './interrupt.mjs';
import { inRoot, isInstalled, secondsSince, ticking, works } from './run.mjs';
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
    const code = await ticking(say, 'npm ci', () => runInGroup('npm', ['ci', '--no-progress']));
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
