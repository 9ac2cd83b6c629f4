/** Credentials of a netrc file for hosts of HTTP that have none in the configuration. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../kernel/errors.ts';
import type { Environment } from './environment.ts';
import { parseNetrc, type NetrcEntry, type NetrcResult } from './netrc.ts';
import { resolveSecret } from './secrets.ts';
import type { HttpHostConfig } from './types.ts';

const OTHERS = 0o077;

const readFile = (file: string): NetrcResult => {
  try {
    const mode = statSync(file).mode & 0o777;
    if ((mode & OTHERS) !== 0) {
      const shown = mode.toString(8).padStart(4, '0');
      return { problem: `${file} may be read by others (mode ${shown}): chmod 600 ${file}` };
    }
    const result = parseNetrc(readFileSync(file, 'utf8'));
    return 'problem' in result ? { problem: `${file}: ${result.problem}` } : result;
  } catch (error) {
    return { problem: `cannot be read: ${messageOf(error)}` };
  }
};

/** `given`: a path, `~/` for the home folder, or `env:NAME` for a path in a variable; empty = no entries. */
export const readNetrc = (given: string, environment: Environment): NetrcResult => {
  if (given === '') return { entries: [] };
  const named = given.startsWith('env:') ? resolveSecret(given, environment) : { value: given };
  if ('problem' in named) return named;
  if (!named.value.startsWith('~/')) return readFile(path.resolve(named.value));
  const home = environment['HOME'] ?? '';
  return home === ''
    ? { problem: 'variable HOME is not set' }
    : readFile(path.join(home, named.value.slice('~/'.length)));
};

const hasCredentials = ({ user, token }: HttpHostConfig): boolean => user !== '' || token !== '';

/** Of a configured `host:port` the machine is `host`. */
const isOf = ({ machine }: NetrcEntry, host: string): boolean =>
  machine === host.toLowerCase() || machine === host.toLowerCase().replace(/:\d+$/, '');

/** What the configuration says of a host goes first. */
export const withNetrc = (
  hosts: readonly HttpHostConfig[],
  entries: readonly NetrcEntry[],
): readonly HttpHostConfig[] => [
  ...hosts.map((host) => {
    const entry = hasCredentials(host) ? undefined : entries.find((one) => isOf(one, host.host));
    return entry === undefined ? host : { ...host, user: entry.login, password: entry.password };
  }),
  ...entries
    .filter(({ machine }) => !hosts.some(({ host }) => host.toLowerCase() === machine))
    .map(({ machine, login, password }) => ({
      ...{ host: machine, user: login, password, token: '' },
      upload: 'put' as const,
      allow: [],
    })),
];
