/** The container runtime of the quick start: the first that works and can have the image of the example; bubblewrap needs none. */
import { spawnSync } from 'node:child_process';
import { isInstalled, isRoot, runLoud, works } from './run.mjs';
import { Stop } from './stop.mjs';

/** Of the example tasks. */
const IMAGE = 'busybox';

const FETCH_LIMIT_MS = 180_000;

const fetches = (program, ...args) =>
  spawnSync(program, args, { stdio: 'ignore', timeout: FETCH_LIMIT_MS }).status === 0;

const BWRAP_TRIAL = ['--ro-bind', '/', '/', '--dev', '/dev', '--unshare-all', 'true'];

/** In the order of the runner's own choice. `here`, `fetch`: is the image here, can it be had. */
const RUNTIMES = {
  podman: {
    works: () => works('podman', 'info'),
    here: () => works('podman', 'image', 'exists', IMAGE),
    fetch: () => fetches('podman', 'pull', '--quiet', IMAGE),
  },
  docker: {
    works: () => works('docker', 'version'),
    here: () => works('docker', 'image', 'inspect', IMAGE),
    fetch: () => fetches('docker', 'pull', '--quiet', IMAGE),
  },
  apptainer: {
    works: () => works('apptainer', '--version'),
    here: () => false,
    fetch: () => fetches('apptainer', 'exec', `docker://${IMAGE}`, 'true'),
  },
  bubblewrap: {
    works: () => works('bwrap', ...BWRAP_TRIAL),
    here: () => true,
    fetch: () => true,
  },
};

const found = () => Object.keys(RUNTIMES).filter((name) => RUNTIMES[name].works());

const mayInstall = () => process.platform === 'linux' && isRoot() && isInstalled('apt-get');

const installBubblewrap = async (say, why) => {
  say(`${why}; installing bubblewrap (apt-get install bubblewrap)`);
  await runLoud('apt-get', ['update', '-qq']);
  await runLoud('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'bubblewrap']);
};

const ADVICE = {
  linux: 'sudo apt-get install bubblewrap   (or install podman or docker)',
  darwin:
    'install and start Docker Desktop, or: brew install podman && podman machine init && podman machine start',
};

const hasImage = (name, say) => {
  const { here, fetch } = RUNTIMES[name];
  if (here()) return true;
  say(`fetching the image ${IMAGE} with ${name}`);
  return fetch();
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
  if (hasImage(first, say)) return settingsFor(first);
  const why = `${first} is here, but the image ${IMAGE} is not and cannot be fetched`;
  if (!names.includes('bubblewrap') && mayInstall()) await installBubblewrap(say, why);
  if (!found().includes('bubblewrap')) {
    throw new Stop(
      `${why}; see: ${first} pull ${IMAGE}   (or install bubblewrap, which needs no image)`,
    );
  }
  say(`${why}: taking bubblewrap`);
  return settingsFor('bubblewrap');
};
