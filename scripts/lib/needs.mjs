/** What the tests need beside node_modules, as a table: how each is looked for and how it is brought. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { inRoot, isInstalled, isRoot, runLoud, works } from './run.mjs';
import { ensureNative } from './native.mjs';

const hasVenv = () => works('python3', '-c', 'import venv, ensurepip');

/** Tasks run the clients' programs, so they need an interpreter that a sandbox sees too. */
const CLIENT_PYTHON = process.env.MAGNETAR_TEST_CLIENT_PYTHON ?? '/usr/bin/python3';
/** Speaks the DevTools protocol over a pipe. */
const BROWSER = process.env.MAGNETAR_TEST_BROWSER ?? 'chromium';

const NGINX_DAV = '/usr/lib/nginx/modules/ngx_http_dav_ext_module.so';

const CLIENT_PROBE = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))';

const isBuilt = (program) =>
  existsSync(inRoot('.cache')) &&
  readdirSync(inRoot('.cache')).some((name) => name.startsWith(program));

const hasMongo = () =>
  (process.env.MAGNETAR_TEST_MONGODB_URI ?? '') !== '' || isBuilt('ferretdb') || isInstalled('go');

const CGROUPS = '/sys/fs/cgroup';

/** Version 2, or the hierarchies of version 1 that engines want; without `systemd` docker does not hear of full memory. */
const hasCgroups = () =>
  existsSync(`${CGROUPS}/cgroup.controllers`) ||
  ['memory', 'pids', 'cpu', 'systemd'].every((name) => existsSync(`${CGROUPS}/${name}/tasks`));

/** `packages`: of Debian 12; `advice`: where no package helps. */
const NEEDS = {
  bubblewrap: { here: () => isInstalled('bwrap'), packages: ['bubblewrap'] },
  podman: { here: () => isInstalled('podman'), packages: ['podman'] },
  runc: { here: () => isInstalled('runc'), packages: ['runc'] },
  catatonit: { here: () => isInstalled('catatonit'), packages: ['catatonit'] },
  busybox: { here: () => isInstalled('busybox'), packages: ['busybox-static'] },
  dockerd: {
    here: () => isInstalled('dockerd') && isInstalled('containerd') && isInstalled('iptables'),
    packages: ['docker.io', 'containerd', 'iptables'],
  },
  cgroups: {
    here: hasCgroups,
    packages: [],
    advice: `control groups below ${CGROUPS} (the init system mounts them, or Debian's cgroupfs-mount)`,
  },
  chromium: { here: () => isInstalled(BROWSER), packages: ['chromium'] },
  python: { here: () => isInstalled('python3'), packages: ['python3'] },
  venv: { here: hasVenv, packages: ['python3-venv'] },
  clientPython: {
    here: () => works(CLIENT_PYTHON, '-c', CLIENT_PROBE),
    packages: ['python3-venv'],
    advice: `${CLIENT_PYTHON}, version 3.11 or newer, with venv (apt-get install python3-venv), or another one below /usr that MAGNETAR_TEST_CLIENT_PYTHON names`,
  },
  nginx: {
    here: () => isInstalled('nginx') && existsSync(NGINX_DAV),
    packages: ['nginx-light', 'libnginx-mod-http-dav-ext'],
    advice: `nginx with ${NGINX_DAV} (apt-get install --no-install-recommends nginx-light libnginx-mod-http-dav-ext)`,
  },
  curl: { here: () => isInstalled('curl'), packages: ['curl'] },
  rsync: { here: () => isInstalled('rsync'), packages: ['rsync'] },
  mongodb: {
    here: hasMongo,
    packages: [],
    advice:
      'Go 1.23 or newer builds FerretDB (go.dev/dl), or MAGNETAR_TEST_MONGODB_URI names a MongoDB to use',
  },
  s3: {
    here: () => isBuilt('versitygw') || isInstalled('go'),
    packages: [],
    advice: 'Go 1.25 or newer builds versitygw (go.dev/dl)',
  },
  toxiproxy: {
    here: () => isBuilt('toxiproxy') || isInstalled('go'),
    packages: [],
    advice: 'Go builds Toxiproxy (go.dev/dl)',
  },
};

const isDebian = () => {
  const file = '/etc/os-release';
  return existsSync(file) && /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync(file, 'utf8'));
};

const POLICY = '/usr/sbin/policy-rc.d';

/** Installs Debian packages without letting any of them start a daemon. */
const aptInstall = async (packages) => {
  const guard = !existsSync(POLICY);
  if (guard) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await runLoud('apt-get', ['update', '-qq'], { env });
    return await runLoud(
      'apt-get',
      ['install', '-y', '-qq', '--no-install-recommends', ...packages],
      { env },
    );
  } finally {
    if (guard) rmSync(POLICY);
  }
};

const mayInstall = () => isRoot() && isDebian() && process.env.CI === 'true';

const adviceFor = (name) => {
  const { packages, advice } = NEEDS[name];
  return `missing: ${name} → ${advice ?? `apt-get install --no-install-recommends ${packages.join(' ')}`}`;
};

const absent = (names) => names.filter((name) => !NEEDS[name].here());

/** Brings what is missing, or names it with the command that gets it; answers whether all is there. */
export const bringNeeds = async (names, say) => {
  const first = absent(names);
  const packages = first.flatMap((name) => NEEDS[name].packages);
  if (packages.length > 0 && mayInstall()) {
    say(`installing what the tests need: ${packages.join(' ')}`);
    await aptInstall(packages);
  }
  const missing = absent(names);
  missing.forEach((name) => say(adviceFor(name)));
  return (await ensureNative(say)) && missing.length === 0;
};
