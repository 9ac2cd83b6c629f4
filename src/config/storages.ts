/** From the tables below `[storage]` to checked hosts and services, their secrets resolved. */
import type { KeyProblem } from './convict-schema.ts';
import type { Environment } from './environment.ts';
import { readNetrc, withNetrc } from './netrc-hosts.ts';
import { FILE_ROOT_SCHEMA, FTP_HOST_SCHEMA, HTTP_HOST_SCHEMA, S3_SCHEMA } from './table-schemas.ts';
import { resolveSecret } from './secrets.ts';
import { readTables, type Table, type TablesResult } from './tables.ts';
import { realPathOf } from './mounts.ts';
import type { FileRootConfig, FtpHostConfig, HttpHostConfig, S3Config } from './types.ts';

const required = (values: Readonly<Record<string, unknown>>, key: string): readonly KeyProblem[] =>
  values[key] === '' ? [{ key, message: 'is required' }] : [];

/** Puts the meant values in the place of references. */
const withSecrets = <Values extends object>(
  values: Values,
  keys: readonly (keyof Values & string)[],
  environment: Environment,
): { readonly entry: Values; readonly problems: readonly KeyProblem[] } => {
  const resolved = keys.map((key) => ({
    key,
    secret: resolveSecret(String(values[key]), environment),
  }));
  return {
    entry: {
      ...values,
      ...Object.fromEntries(
        resolved.map(({ key, secret }) => [key, 'value' in secret ? secret.value : '']),
      ),
    },
    problems: resolved.flatMap(({ key, secret }) =>
      'problem' in secret ? [{ key, message: secret.problem }] : [],
    ),
  };
};

const both = (
  values: Readonly<Record<string, unknown>>,
  one: string,
  other: string,
): readonly KeyProblem[] =>
  (values[one] === '') === (values[other] === '')
    ? []
    : [{ key: one, message: `needs ${other}, and the other way round` }];

const liveProblems = ({ live, mode }: FileRootConfig): readonly KeyProblem[] =>
  live && mode !== 'rw' ? [{ key: 'live', message: 'needs mode = "rw"' }] : [];

export interface StorageTables {
  readonly file: { readonly roots: readonly Table[] };
  readonly http: { readonly hosts: readonly Table[]; readonly netrc: string };
  readonly ftp: { readonly hosts: readonly Table[] };
  readonly s3: readonly Table[];
}

export interface StorageResult {
  readonly roots: readonly FileRootConfig[];
  readonly httpHosts: readonly HttpHostConfig[];
  readonly ftpHosts: readonly FtpHostConfig[];
  readonly s3: readonly S3Config[];
  readonly problems: readonly KeyProblem[];
}

/** All of them and everything that is wrong with them. */
export const readStorages = (
  { file, http, ftp, s3 }: StorageTables,
  environment: Environment,
): StorageResult => {
  const roots: TablesResult<FileRootConfig> = readTables(
    'storage.file.roots',
    { schema: FILE_ROOT_SCHEMA, tables: file.roots },
    (values) => ({
      entry: { ...values, path: realPathOf(values.path) },
      problems: [...required(values, 'path'), ...liveProblems(values)],
    }),
  );
  const httpHosts: TablesResult<HttpHostConfig> = readTables(
    'storage.http.hosts',
    { schema: HTTP_HOST_SCHEMA, tables: http.hosts },
    (values) => {
      const { entry, problems } = withSecrets(values, ['password', 'token'], environment);
      return { entry, problems: [...problems, ...required(values, 'host')] };
    },
  );
  const ftpHosts: TablesResult<FtpHostConfig> = readTables(
    'storage.ftp.hosts',
    { schema: FTP_HOST_SCHEMA, tables: ftp.hosts },
    (values) => {
      const { entry, problems } = withSecrets(values, ['password'], environment);
      return { entry, problems: [...problems, ...required(values, 'host')] };
    },
  );
  const services: TablesResult<S3Config> = readTables(
    'storage.s3',
    { schema: S3_SCHEMA, tables: s3 },
    (values) => {
      const { entry, problems } = withSecrets(values, ['access_key', 'secret_key'], environment);
      const found = [...required(values, 'name'), ...both(values, 'access_key', 'secret_key')];
      return { entry, problems: [...problems, ...found] };
    },
  );
  const netrc = readNetrc(http.netrc, environment);
  return {
    roots: roots.entries,
    httpHosts: withNetrc(httpHosts.entries, 'entries' in netrc ? netrc.entries : []),
    ftpHosts: ftpHosts.entries,
    s3: services.entries,
    problems: [
      ...roots.problems,
      ...httpHosts.problems,
      ...('problem' in netrc ? [{ key: 'storage.http.netrc', message: netrc.problem }] : []),
      ...ftpHosts.problems,
      ...services.problems,
    ],
  };
};
