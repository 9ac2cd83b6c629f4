/** How the tests start Snakemake, and what its tasks need. */
import path from 'node:path';
import type { World } from './world.ts';

/** The plugin looks at its first task after 40 seconds, whatever one says. */
export const SNAKEMAKE_LIMIT_MS = 150_000;

/** Environment of its tasks: each installs the storage plugin, from a folder, so that no test depends on the network. */
export const packagesFromWheels = (venv: string) => ({
  PIP_NO_INDEX: '1',
  PIP_NO_DEPS: '1',
  PIP_FIND_LINKS: path.join(venv, 'wheels'),
});

/** All data lie in the shared folder. */
export const snakemake = ({ server, shared }: World): readonly string[] => [
  ...['snakemake', '--profile', 'profile', '--tes-url', server.url],
  ...['--default-storage-prefix', shared, '--seconds-between-status-checks', '1'],
];
