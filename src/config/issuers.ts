/** From `[[auth.issuers]]` tables to checked issuers, and what is wrong with the section as a whole. */
import { checkAgainst, type KeyProblem } from './convict-schema.ts';
import type { Environment } from './environment.ts';
import { ISSUER_SCHEMA } from './table-schemas.ts';
import { resolveSecret } from './secrets.ts';
import type { AuthMode, IssuerConfig } from './types.ts';

type Table = Readonly<Record<string, unknown>>;

export interface IssuerResult {
  readonly issuers: readonly IssuerConfig[];
  readonly problems: readonly KeyProblem[];
}

const KNOWN_KEYS = Object.keys(ISSUER_SCHEMA);

const readOne = (table: Table, environment: Environment): IssuerResult => {
  const unknown = Object.keys(table).find((key) => !KNOWN_KEYS.includes(key));
  if (unknown !== undefined) {
    const message = `unknown key; known here: ${KNOWN_KEYS.join(', ')}`;
    return { issuers: [], problems: [{ key: unknown, message }] };
  }
  const { values, problems } = checkAgainst(ISSUER_SCHEMA, Object.entries(table));
  if (values === undefined) return { issuers: [], problems };
  const secret = resolveSecret(values.client_secret, environment);
  const found: readonly KeyProblem[] = [
    ...(values.audiences.length === 0
      ? [{ key: 'audiences', message: 'names none: tokens made for other services would be taken' }]
      : []),
    ...(values.algorithms.length === 0 ? [{ key: 'algorithms', message: 'names none' }] : []),
    ...('problem' in secret ? [{ key: 'client_secret', message: secret.problem }] : []),
    ...((values.client_id === '') === (values.client_secret === '')
      ? []
      : [{ key: 'client_id', message: 'needs client_secret, and the other way round' }]),
  ];
  const client_secret = 'value' in secret ? secret.value : '';
  return { issuers: [{ ...values, client_secret }], problems: found };
};

/** The mode and the list need each other. */
const modeProblems = (count: number, modes: readonly AuthMode[]): readonly KeyProblem[] => {
  if (modes.includes('oidc') === count > 0) return [];
  return count === 0
    ? [{ key: 'auth.issuers', message: 'mode oidc needs at least one' }]
    : [{ key: 'auth.modes', message: 'lacks oidc, without which issuers have no meaning' }];
};

const repeated = (issuers: readonly IssuerConfig[]): readonly KeyProblem[] => {
  const names = issuers.map(({ issuer }) => issuer);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? [] : [{ key: 'auth.issuers', message: `${twice} is there twice` }];
};

/** All issuers and everything that is wrong with them, keys given as `auth.issuers[0].audiences`. */
export const readIssuers = (
  tables: readonly Table[],
  modes: readonly AuthMode[],
  environment: Environment,
): IssuerResult => {
  const results = tables.map((table) => readOne(table, environment));
  const issuers = results.flatMap((result) => result.issuers);
  const problems = results.flatMap((result, index) =>
    result.problems.map(({ key, message }) => ({
      key: `auth.issuers[${String(index)}].${key}`,
      message,
    })),
  );
  return {
    issuers,
    problems: [...problems, ...modeProblems(tables.length, modes), ...repeated(issuers)],
  };
};
