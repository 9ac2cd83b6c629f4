/** The effective configuration for people and logs: secrets replaced, each value with its source. */
import { isRecord } from '../kernel/json.ts';
import { keysOf } from './key-schema.ts';
import { CONFIG_SCHEMA } from './schema.ts';
import {
  DESTINATION_SCHEMA,
  FTP_HOST_SCHEMA,
  HTTP_HOST_SCHEMA,
  ISSUER_SCHEMA,
  S3_SCHEMA,
} from './table-schemas.ts';
import type { Config, LoadedConfig, StorageConfig } from './types.ts';

export interface RenderedValue {
  readonly key: string;
  readonly value: unknown;
  readonly source: string;
}

const HIDDEN = '***';

const redactUserInfo = (url: string): string => url.replace(/\/\/[^/]*@/, `//${HIDDEN}@`);

const redactSecret = (value: unknown): unknown => {
  if (!isRecord(value)) return value === '' ? '' : HIDDEN;
  return Object.fromEntries(Object.keys(value).map((name) => [name, HIDDEN]));
};

const SENSITIVE: ReadonlySet<string> = new Set(
  [DESTINATION_SCHEMA, ISSUER_SCHEMA, HTTP_HOST_SCHEMA, FTP_HOST_SCHEMA, S3_SCHEMA]
    .flatMap((schema) => keysOf(schema))
    .flatMap(([name, { sensitive }]) => (sensitive === true ? [name] : [])),
);

const redactTable = (table: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(table).map(([name, value]: [string, unknown]) => [
      name,
      SENSITIVE.has(name) ? redactSecret(value) : value,
    ]),
  );

const redactStorage = ({ file, http, ftp, s3 }: StorageConfig) => ({
  file,
  http: { ...http, hosts: http.hosts.map(redactTable) },
  ftp: { ...ftp, hosts: ftp.hosts.map(redactTable) },
  s3: s3.map(redactTable),
});

/** The configuration with every secret replaced; fit for logs. */
export const redactConfig = (config: Config): Readonly<Record<string, unknown>> => ({
  ...config,
  secret: redactSecret(config.secret),
  store: { url: redactUserInfo(config.store.url) },
  auth: { ...config.auth, issuers: config.auth.issuers.map(redactTable) },
  storage: redactStorage(config.storage),
  destinations: config.destinations.map(redactTable),
});

const valueAt = (tree: unknown, key: string): unknown =>
  key.split('.').reduce<unknown>((node, name) => (isRecord(node) ? node[name] : undefined), tree);

/** Every key with its redacted value and source, in the order of the schema. */
export const renderConfig = ({ config, sources }: LoadedConfig): readonly RenderedValue[] => {
  const redacted = redactConfig(config);
  return keysOf(CONFIG_SCHEMA).map(([key]) => ({
    key,
    value: valueAt(redacted, key),
    source: sources.get(key) ?? 'default',
  }));
};
