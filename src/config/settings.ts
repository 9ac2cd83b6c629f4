/** From configuration keys to the records that the parts work with. Pure. */
import type { AccessOptions } from '../access/access.ts';
import type { IssuerOptions } from '../access/oidc/issuer.ts';
import type { PlanRules } from '../tasks/build-plan.ts';
import type { Destination } from '../tasks/destination.ts';
import type { ServiceInfoOptions } from '../tasks/service-info.ts';
import type { Caller, GrantRules } from '../tasks/grants.ts';
import type { SchemeRules } from '../tasks/ports/url-rules.ts';
import { allRoots, fixedPart, type JobRoots } from './file-roots.ts';
import type { AuthMode, Config, DestinationConfig, IssuerConfig, S3Config } from './types.ts';

const GB = 1_000_000_000;

/** Keys of `resources.backend_parameters` that mean something here. */
const BACKEND_PARAMETERS = ['destination'] as const;

/** Configuration says 0 or '' for "none"; records leave the key out. */
const unless = <Key extends string, Value>(none: Value, key: Key, value: Value) =>
  (value === none ? {} : { [key]: value }) as { readonly [K in Key]?: Value };

export const destinationOf = (config: Config, entry: DestinationConfig): Destination => {
  const { limits } = config;
  return {
    name: entry.name,
    capacity: {
      name: entry.name,
      jobs: entry.max_jobs,
      ...unless(0, 'cores', entry.cores),
      ...unless(0, 'ram_bytes', Math.round(entry.ram_gb * GB)),
    },
    runtime: {
      kind: entry.runtime,
      network: entry.network,
      pull: entry.pull,
      images: entry.images,
    },
    mounts: entry.mounts,
    env: entry.env,
    reach: {
      shared_filesystem: entry.shared_filesystem,
      direct: entry.direct,
      push: entry.transport === 'rest',
    },
    queues: entry.transport !== 'embedded',
    limits: {
      pids: limits.pids,
      log_bytes: limits.log_bytes,
      tail_bytes: limits.tail_bytes,
      grace_s: limits.grace_s,
      stall_s: limits.stall_s,
      ...unless(0, 'walltime_s', limits.walltime_s),
      ...unless(0, 'input_bytes', limits.task_input_bytes),
      ...unless(0, 'input_files', limits.task_input_files),
      ...unless(0, 'output_bytes', limits.task_output_bytes),
      ...unless(0, 'output_files', limits.task_output_files),
    },
  };
};

export const grantRulesOf = ({ auth }: Config): GrantRules => ({
  authentication: auth.modes.length > 0,
  admins: auth.admins,
});

/** Which URLs and which local folders tasks may use. */
export interface StorageSetting {
  readonly schemes: SchemeRules;
  readonly rootsFor: (caller: Caller) => JobRoots;
}

export const planRulesOf = (
  config: Config,
  server: string,
  { schemes, rootsFor }: StorageSetting,
): PlanRules => ({
  server,
  storageFor: (caller) => ({
    ...rootsFor(caller),
    http_allow: config.storage.http.allow,
    ftp_allow: config.storage.ftp.allow,
  }),
  missing_output: config.tasks.missing_output,
  schemes,
});

/** Patterns are shown up to what stands for others. */
const bucketsOf = ({ buckets }: S3Config): readonly string[] =>
  buckets.length === 0 ? ['s3://'] : buckets.map((name) => `s3://${name.replace(/[*{].*$/, '')}`);

/** Roots as C14 wants them, and the schemes that need no root. */
const storageOf = ({ storage }: Config): readonly string[] => [
  ...new Set(allRoots(storage.file).map(({ path }) => `file://${fixedPart(path)}`)),
  ...['http://', 'https://', 'ftp://', 'ftps://'],
  ...storage.s3.flatMap(bucketsOf),
];

/** The URL that the contract requires, where nobody has configured one: at least it leads here. */
const ownUrl = ({ server: { public_url: url, host, port } }: Config): string =>
  url === '' ? `http://${host.includes(':') ? `[${host}]` : host}:${String(port)}` : url;

export const serviceInfoOf = (config: Config, version: string): ServiceInfoOptions => {
  const { service } = config;
  return {
    id: service.id,
    name: service.name,
    organization: {
      name: service.organization.name,
      url: service.organization.url === '' ? ownUrl(config) : service.organization.url,
    },
    version,
    storage: storageOf(config),
    backendParameters: BACKEND_PARAMETERS,
    ...unless('', 'description', service.description),
    ...unless('', 'contactUrl', service.contact_url),
    ...unless('', 'documentationUrl', service.documentation_url),
    ...unless('', 'environment', service.environment),
    ...unless('', 'createdAt', service.created_at),
    ...unless('', 'updatedAt', service.updated_at),
  };
};

/** Host names answered besides those of this machine: the configured ones and the one of `public_url`. */
export const allowedHostsOf = ({ server, auth }: Config): readonly string[] | 'any' => {
  if (auth.modes.length > 0) return 'any';
  return URL.canParse(server.public_url)
    ? [...server.allowed_hosts, new URL(server.public_url).hostname]
    : server.allowed_hosts;
};

/** Origins of web pages: the configured ones and this server's own, as users see it. */
export const allowedOriginsOf = ({ server }: Config): readonly string[] =>
  URL.canParse(server.public_url)
    ? [...server.allowed_origins, new URL(server.public_url).origin]
    : server.allowed_origins;

const issuerOf = (entry: IssuerConfig): IssuerOptions => ({
  issuer: entry.issuer,
  audiences: entry.audiences,
  algorithms: entry.algorithms,
  clockSkewS: entry.clock_skew_s,
  groupsClaim: entry.groups_claim,
  ...(entry.client_id === ''
    ? {}
    : { introspection: { clientId: entry.client_id, clientSecret: entry.client_secret } }),
  ...(entry.page_client_id === ''
    ? {}
    : { page: { clientId: entry.page_client_id, scopes: entry.page_scopes } }),
});

export const accessOptionsOf = ({ auth }: Config): AccessOptions => {
  const has = (mode: AuthMode): boolean => auth.modes.includes(mode);
  const { admins, viewers, shared_groups: sharedGroups } = auth;
  return {
    roles: { admins, viewers, sharedGroups },
    ...(has('basic') ? { basic: { file: auth.users_file } } : {}),
    ...(has('token') ? { tokens: { file: auth.tokens_file } } : {}),
    ...(has('oidc') ? { issuers: auth.issuers.map(issuerOf) } : {}),
  };
};
