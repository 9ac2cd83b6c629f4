/** Users and API tokens for tests, and a gate that knows them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAccess, type AccessOptions } from '../../src/access/access.ts';
import type { IssuerOptions } from '../../src/access/oidc/issuer.ts';
import type { RoleRules } from '../../src/access/roles.ts';
import { createApiToken } from '../../src/access/tokens.ts';
import { addUser } from '../../src/access/users.ts';
import type { AccessDeps } from '../../src/api/gate.ts';
import { systemClock, type Clock } from '../../src/kernel/clock.ts';
import type { Logger } from '../../src/kernel/logger.ts';
import { AUDIENCE, CLIENT } from './oidc/issuer.ts';

export const basicOf = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

export const passwordOf = (user: string): string => `the password of ${user}`;

/** What a client sends as one of the local users. */
export const as = (user: string) => ({ authorization: basicOf(user, passwordOf(user)) });

const NO_ROLES: RoleRules = { admins: [], viewers: [], sharedGroups: [] };

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => SILENT,
};

export interface AccessSite {
  readonly usersFile: string;
  readonly tokensFile: string;
  /** An API token for each of the names. */
  readonly tokens: Readonly<Record<string, string>>;
  remove(): void;
}

/** Files with these users and with a token for each of the names. */
export const createAccessSite = async (
  users: readonly string[],
  names: readonly string[] = [],
): Promise<AccessSite> => {
  const folder = mkdtempSync(join(tmpdir(), 'magnetar-access-'));
  const [usersFile, tokensFile] = [join(folder, 'users.json'), join(folder, 'tokens.json')];
  const created = '2026-01-01T00:00:00.000Z';
  for (const name of users) {
    await addUser(usersFile, { name, password: passwordOf(name), created });
  }
  const tokens: Record<string, string> = {};
  for (const name of names) tokens[name] = await createApiToken(tokensFile, { name, created });
  return {
    usersFile,
    tokensFile,
    tokens,
    remove() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

export const issuerOptions = (issuer: string, change: Partial<IssuerOptions> = {}) => ({
  issuer,
  audiences: [AUDIENCE],
  algorithms: ['RS256', 'ES256'],
  clockSkewS: 5,
  groupsClaim: 'groups',
  introspection: { clientId: CLIENT.id, clientSecret: CLIENT.secret },
  ...change,
});

/** The gate of a server with these modes. */
export const accessWith = (
  modes: Omit<AccessOptions, 'roles'>,
  {
    roles = {},
    clock = systemClock,
    ...rest
  }: Partial<AccessDeps> & {
    readonly roles?: Partial<RoleRules>;
    readonly clock?: Clock;
  } = {},
): AccessDeps => ({
  ...createAccess({ ...modes, roles: { ...NO_ROLES, ...roles } }, { clock, logger: SILENT }),
  tokenHeader: '',
  tokenParameter: '',
  networks: [],
  ...rest,
});
