/** From `[[destinations]]` tables to checked destinations. */
import { checkAgainst, type KeyProblem, type ValuesOf } from './convict-schema.ts';
import type { Environment } from './environment.ts';
import { mountDanger } from './mounts.ts';
import { DESTINATION_SCHEMA } from './table-schemas.ts';
import { resolveSecret } from './secrets.ts';
import type { DestinationConfig } from './types.ts';

/** An entry as convict answers it. */
type RawDestination = ValuesOf<typeof DESTINATION_SCHEMA>;

type Table = Readonly<Record<string, unknown>>;

export interface DestinationInput {
  readonly tables: readonly Table[];
  readonly environment: Environment;
  readonly allowDangerousMounts: readonly string[];
}

export interface DestinationResult {
  readonly destinations: readonly DestinationConfig[];
  readonly problems: readonly KeyProblem[];
}

const DEFAULT_TABLES: readonly Table[] = [{ name: 'local', transport: 'embedded' }];

const KNOWN_KEYS = Object.keys(DESTINATION_SCHEMA);

/** Keys that mean nothing on a transport. */
const UNFIT_KEYS = {
  embedded: ['url', 'private_token', 'manager', 'key_prefix', 'shared_filesystem'],
  rest: ['key_prefix', 'python'],
  amqp: [],
} as const satisfies Record<RawDestination['transport'], readonly (keyof RawDestination)[]>;

const transportProblems = (raw: RawDestination, table: Table): readonly KeyProblem[] => {
  if (raw.transport === 'amqp') {
    return [
      { key: 'transport', message: 'amqp is not available in this version; use rest or embedded' },
    ];
  }
  const unfit: readonly string[] = UNFIT_KEYS[raw.transport];
  const problems = unfit
    .filter((key) => Object.hasOwn(table, key))
    .map((key) => ({ key, message: `has no meaning with transport ${raw.transport}` }));
  if (raw.transport === 'embedded') return problems;
  const url = raw.url === '' ? undefined : new URL(raw.url);
  if (url === undefined)
    return [...problems, { key: 'url', message: 'is needed with transport rest' }];
  return url.username + url.password + url.search + url.hash === ''
    ? problems
    : [
        ...problems,
        {
          key: 'url',
          message: 'must not hold a user, password, query or fragment; use private_token',
        },
      ];
};

const toDestination = (raw: RawDestination, token: string): DestinationConfig => {
  const common = {
    name: raw.name,
    manager: raw.manager,
    max_jobs: raw.max_jobs,
    cores: raw.cores,
    ram_gb: raw.ram_gb,
    network: raw.network,
    runtime: raw.runtime,
    pull: raw.pull,
    mounts: raw.mounts.map((mount) => ({ ...mount, mode: mount.mode ?? 'ro' })),
    env: raw.env,
    images: raw.images,
    direct: raw.direct,
  };
  if (raw.transport !== 'rest') {
    return { ...common, transport: 'embedded', python: raw.python, shared_filesystem: true };
  }
  const url = raw.url.replace(/\/+$/, '');
  const { shared_filesystem } = raw;
  return { ...common, transport: 'rest', url, private_token: token, shared_filesystem };
};

const readOne = (table: Table, input: DestinationInput): DestinationResult => {
  const unknown = Object.keys(table).find((key) => !KNOWN_KEYS.includes(key));
  if (unknown !== undefined) {
    const message = `unknown key; known here: ${KNOWN_KEYS.join(', ')}`;
    return { destinations: [], problems: [{ key: unknown, message }] };
  }
  const { values: raw, problems } = checkAgainst(DESTINATION_SCHEMA, Object.entries(table));
  if (raw === undefined) return { destinations: [], problems };
  const token = resolveSecret(raw.private_token, input.environment);
  const destination = toDestination(raw, 'value' in token ? token.value : '');
  const found = [
    ...transportProblems(raw, table),
    ...('problem' in token ? [{ key: 'private_token', message: token.problem }] : []),
    ...destination.mounts.flatMap((mount) => {
      const message = mountDanger(mount, input.allowDangerousMounts);
      return message === undefined ? [] : [{ key: 'mounts', message }];
    }),
  ];
  return { destinations: [destination], problems: found };
};

const repeatedName = (destinations: readonly DestinationConfig[]): readonly KeyProblem[] => {
  const names = destinations.map((destination) => destination.name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  return repeated === undefined
    ? []
    : [{ key: 'destinations', message: `two are called ${repeated}` }];
};

/** All destinations and everything that is wrong with them, keys given as `destinations[0].url`. */
export const readDestinations = (input: DestinationInput): DestinationResult => {
  const tables = input.tables.length === 0 ? DEFAULT_TABLES : input.tables;
  const results = tables.map((table) => readOne(table, input));
  const destinations = results.flatMap((result) => result.destinations);
  const embedded = destinations.filter((destination) => destination.transport === 'embedded');
  const problems = [
    ...results.flatMap((result, index) =>
      result.problems.map((problem) => ({
        ...problem,
        key: `destinations[${String(index)}].${problem.key}`,
      })),
    ),
    ...repeatedName(destinations),
    ...(embedded.length > 1
      ? [{ key: 'destinations', message: 'only one may have transport embedded' }]
      : []),
  ];
  return { destinations, problems };
};
