/** The container runtime of the quick start: the first that runs a container of the example's image; bubblewrap needs none. */
import { spawnSync } from 'node:child_process';
import { runInGroup } from './interrupt.mjs';
import { isInstalled, isRoot, works } from './run.mjs';
import { Stop } from './stop.mjs';

/** Of the example tasks. */
const IMAGE = 'busybox';

const FETCH_LIMIT_MS = 180_000;

/** Why the command fails, in one line; undefined = it does not. */
const failureOf = (program, ...args) => {
  const options = { stdio: ['ignore', 'ignore', 'pipe'], timeout: FETCH_LIMIT_MS };
  const { status, stderr, error } = spawnSync(program, args, options);
  if (status === 0) return undefined;
  return stderr.toString().trim().split('\n').at(-1) || (error?.message ?? `exit code ${status}`);
};

const BWRAP_TRIAL = ['--ro-bind', '/', '/', '--dev', '/dev', '--unshare-all', 'true'];

/** In the order of the runner's own choice. `answers`: quickly; `fails`: why a container of the image, fetched when it is not here, does not run. */
const RUNTIMES = {
  podman: {
    answers: () => works('podman', 'info'),
    fails: () => failureOf('podman', 'run', '--rm', IMAGE, 'true'),
  },
  docker: {
    answers: () => works('docker', 'version'),
    fails: () => failureOf('docker', 'run', '--rm', IMAGE, 'true'),
  },
  apptainer: {
    answers: () => works('apptainer', '--version'),
    fails: () => failureOf('apptainer', 'exec', `docker://${IMAGE}`, 'true'),
  },
  bubblewrap: {
    answers: () => works('bwrap', ...BWRAP_TRIAL),
    fails: () => undefined,
  },
};

const found = () => Object.keys(RUNTIMES).filter((name) => RUNTIMES[name].answers());

const mayInstall = () => process.platform === 'linux' && isRoot() && isInstalled('apt-get');

const installBubblewrap = async (say, why) => {
  say(`${why}; installing bubblewrap (apt-get install bubblewrap)`);
  await runInGroup('apt-get', ['update', '-qq']);
  await runInGroup('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'bubblewrap']);
};

const ADVICE = {
  linux: 'sudo apt-get install bubblewrap   (or install podman or docker)',
  darwin:
    'install and start Docker Desktop, or: brew install podman && podman machine init && podman machine start',
};

const settingsFor = (name) => ({
  MAGNETAR_DESTINATIONS: JSON.stringify([{ name: 'local', transport: 'embedded', runtime: name }]),
});

/** Finds or brings a runtime; answers the variables by which the server takes the same one. */
export const ensureRuntime = async (say) => {
  if (found().length === 0 && mayInstall()) {
    await installBubblewrap(say, 'no container runtime found');
  }
  const names = found();
  const [first] = names;
  if (first === undefined) {
    const advice = ADVICE[process.platform] ?? ADVICE.linux;
    throw new Stop(`no container runtime works here; get one:\n  ${advice}`);
  }
  say(`container runtimes: ${names.join(', ')}`);
  if (first === 'bubblewrap') return settingsFor(first);
  say(`trying ${first} with the image ${IMAGE}, which is fetched when it is not here`);
  const failure = RUNTIMES[first].fails();
  if (failure === undefined) return settingsFor(first);
  const why = `${first} cannot run a container of ${IMAGE} (${failure})`;
  if (!names.includes('bubblewrap') && mayInstall()) await installBubblewrap(say, why);
  if (!found().includes('bubblewrap')) {
    throw new Stop(
      `${why}; see: ${first} run --rm ${IMAGE} true   (or install bubblewrap, which needs no image)`,
    );
  }
  say(`${why}: taking bubblewrap`);
  return settingsFor('bubblewrap');
};
