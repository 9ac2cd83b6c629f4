/** Reads, merges, checks and freezes the configuration. */
import path from 'node:path';
import { MagnetarError } from '../kernel/errors.ts';
import { checkAgainst, type KeyProblem, type ValuesOf } from './convict-schema.ts';
import { readDestinations } from './destinations.ts';
import type { Environment } from './environment.ts';
import { readIssuers } from './issuers.ts';
import { nameProblems } from './names.ts';
import { readStorages, type StorageResult } from './storages.ts';
import { readLayers, type Flags } from './layers.ts';
import { realPathOf } from './mounts.ts';
import { liveRootProblems } from './live-roots.ts';
import { overlapProblems } from './overlaps.ts';
import { rootProblems } from './roots.ts';
import { CONFIG_SCHEMA, DATA_PLACEHOLDER } from './schema.ts';
import { resolveSecret, type ResolvedSecret } from './secrets.ts';
import type { AuthConfig, Config, LoadedConfig } from './types.ts';

export interface LoadInput {
  /** TOML or YAML; otherwise the one named by MAGNETAR_CONFIG, if any. */
  readonly file?: string | undefined;
  readonly environment: Environment;
  readonly flags?: Flags;
  /** Folders added to both the read and the write roots (`--allow`). */
  readonly allow?: readonly string[];
}

/** Values as convict answers them: like Config, but nothing resolved and destinations unread. */
type RawConfig = ValuesOf<typeof CONFIG_SCHEMA>;

const SQLITE = 'sqlite:';

const resolveFile = (given: string, data: string): string =>
  given.startsWith(DATA_PLACEHOLDER)
    ? path.join(data, given.slice(DATA_PLACEHOLDER.length))
    : path.resolve(given);

const resolveStoreUrl = (url: string, data: string): string =>
  url.startsWith(SQLITE) ? `${SQLITE}${resolveFile(url.slice(SQLITE.length), data)}` : url;

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

const bindingProblems = ({
  server,
  auth,
}: Pick<RawConfig, 'server' | 'auth'>): readonly KeyProblem[] =>
  isLoopback(server.host) || server.allow_public_without_auth || auth.modes.length > 0
    ? []
    : [
        {
          key: 'server.host',
          message:
            `${server.host} is not loopback: whoever reaches it may run containers; set auth.modes (docs/howto/access.md), ` +
            'or set server.allow_public_without_auth = true (MAGNETAR_SERVER__ALLOW_PUBLIC_WITHOUT_AUTH=true) if that is wanted',
        },
      ];

const SECRET_CHARACTERS = 32;

/** Empty = none; one that a reference leads to may be neither empty nor short. */
const readInstallSecret = (given: string, environment: Environment): ResolvedSecret => {
  const secret = resolveSecret(given, environment);
  return given === '' || 'problem' in secret || secret.value.length >= SECRET_CHARACTERS
    ? secret
    : { problem: `must have at least ${String(SECRET_CHARACTERS)} characters` };
};

const freezeDeep = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freezeDeep);
  }
  return value;
};

const invalid = (
  problems: readonly KeyProblem[],
  sources: ReadonlyMap<string, string>,
): MagnetarError => {
  const details = problems.map(({ key, message }) => {
    const source = sources.get(key.replace(/\[\d+\].*$/, ''));
    return { field: key, message: source === undefined ? message : `${message} (from ${source})` };
  });
  const lines = details.map(({ field, message }) => `${field}: ${message}`);
  return new MagnetarError('CONFIG_INVALID', lines.join('\n'), { details });
};

const rootsOf = (roots: readonly string[], extra: readonly string[]): readonly string[] => [
  ...new Set([...roots, ...extra].map(realPathOf)),
];

type Unsecret = Omit<Config, 'destinations' | 'secret' | 'auth'> & {
  readonly auth: Omit<AuthConfig, 'issuers'>;
};

const resolve = (
  { secret: _secret, ...raw }: RawConfig,
  storages: StorageResult,
  input: LoadInput,
): Unsecret => {
  const data = path.resolve(raw.data);
  const allow = input.allow ?? [];
  return {
    ...raw,
    data,
    server: { ...raw.server, public_url: raw.server.public_url.replace(/\/+$/, '') },
    auth: {
      ...raw.auth,
      users_file: resolveFile(raw.auth.users_file, data),
      tokens_file: resolveFile(raw.auth.tokens_file, data),
      token_header: raw.auth.token_header.toLowerCase(),
    },
    store: { url: resolveStoreUrl(raw.store.url, data) },
    storage: {
      http: { ...raw.storage.http, hosts: storages.httpHosts },
      ftp: { ...raw.storage.ftp, hosts: storages.ftpHosts },
      s3: storages.s3,
      file: {
        read: rootsOf(raw.storage.file.read, allow),
        write: rootsOf(raw.storage.file.write, allow),
        allow: raw.storage.file.allow,
        roots: storages.roots,
      },
    },
  };
};

/** The effective configuration and where each value came from; throws CONFIG_INVALID naming every bad key. */
export const loadConfig = (input: LoadInput): LoadedConfig => {
  const layers = readLayers({ ...input, flags: input.flags ?? {} });
  const entries = layers.flatMap((layer) => [...layer.values]);
  const sources = new Map(entries.map(([key, { source }]) => [key, source]));
  const { values: raw, problems } = checkAgainst(
    CONFIG_SCHEMA,
    new Map(entries.map(([key, { value }]) => [key, value])),
  );
  if (raw === undefined) throw invalid(problems, sources);
  const storages = readStorages(raw.storage, input.environment);
  const config = resolve(raw, storages, input);
  const secret = readInstallSecret(raw.secret, input.environment);
  const { destinations, problems: destinationProblems } = readDestinations({
    tables: raw.destinations,
    environment: input.environment,
    allowDangerousMounts: raw.allow_dangerous_mounts,
  });
  const { issuers, problems: issuerProblems } = readIssuers(
    raw.auth.issuers,
    raw.auth.modes,
    input.environment,
  );
  const found = [
    ...('problem' in secret ? [{ key: 'secret', message: secret.problem }] : []),
    ...bindingProblems(raw),
    ...rootProblems({ ...raw.storage.file, roots: storages.roots }, input.allow ?? [], {
      data: config.data,
      storeUrl: config.store.url,
    }),
    ...destinationProblems,
    ...overlapProblems(destinations, config.storage, raw.allow_dangerous_mounts),
    ...liveRootProblems(destinations, config.storage, raw.allow_dangerous_mounts),
    ...issuerProblems,
    ...storages.problems,
    ...nameProblems(config.storage, { ...config.auth, issuers }),
  ];
  if (found.length > 0) throw invalid(found, sources);
  if ((input.allow ?? []).length > 0) {
    for (const key of ['storage.file.read', 'storage.file.write']) {
      sources.set(key, [sources.get(key), 'flag --allow'].filter(Boolean).join(' and '));
    }
  }
  const known = 'value' in secret ? secret.value : '';
  const auth = { ...config.auth, issuers };
  return { config: freezeDeep({ ...config, auth, secret: known, destinations }), sources };
};
