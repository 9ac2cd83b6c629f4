/** The value formats of the configuration as data: what each means, how its text form (environment, flags) is read, what is wrong with a value. */
import path from 'node:path';
import { isRecord } from '../kernel/json.ts';
import { isNetwork, isSecureUrl } from '../tasks/addresses.ts';
import { DIRECT_SCHEMES } from '../tasks/transfers.ts';

export interface Format {
  /** For docs/configuration.md. */
  readonly meaning: string;
  /** Reads the text form; text it cannot read is answered as it is, and `problem` then names it. */
  readonly fromText: (text: string) => unknown;
  /** What is wrong with a value; undefined = nothing. */
  readonly problem: (value: unknown) => string | undefined;
}

const isText = (value: unknown): value is string => typeof value === 'string';

const asIs = (text: string): unknown => text;

const numberFromText = (text: string): unknown =>
  /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, false: false };

const jsonFromText = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};

const listFromText = (text: string): unknown => {
  if (text.trimStart().startsWith('[')) return jsonFromText(text);
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
};

const whole = (from: number, to: number): Format => ({
  meaning: `whole number, ${String(from)} to ${to === Number.MAX_SAFE_INTEGER ? 'any' : String(to)}`,
  fromText: numberFromText,
  problem: (value) =>
    Number.isSafeInteger(value) && Number(value) >= from && Number(value) <= to
      ? undefined
      : `must be a whole number from ${String(from)}${to === Number.MAX_SAFE_INTEGER ? '' : ` to ${String(to)}`}`,
});

const text = (meaning: string, problem: (value: string) => string | undefined): Format => ({
  meaning,
  fromText: asIs,
  problem: (value) => (isText(value) ? problem(value) : 'must be text'),
});

const choice = (...words: readonly string[]): Format => ({
  meaning: words.map((word) => `\`${word}\``).join(' or '),
  fromText: asIs,
  problem: (value) =>
    isText(value) && words.includes(value) ? undefined : `must be one of ${words.join(', ')}`,
});

const isHttpUrl = (value: string): boolean => {
  if (!URL.canParse(value)) return false;
  return ['http:', 'https:'].includes(new URL(value).protocol);
};

const httpUrl = text('http(s) URL or empty', (value) =>
  value === '' || isHttpUrl(value) ? undefined : 'must be an http:// or https:// URL',
);

const storeUrl = text('`sqlite:PATH` or `mongodb://…`', (value) =>
  /^sqlite:.+|^mongodb(\+srv)?:\/\/.+/.test(value)
    ? undefined
    : 'must be sqlite:PATH, mongodb://… or mongodb+srv://…',
);

const texts: Format = {
  meaning: 'list of texts',
  fromText: listFromText,
  problem: (value) =>
    Array.isArray(value) && value.every((item) => isText(item) && item !== '')
      ? undefined
      : 'must be a list of texts',
};

const listOf = (meaning: string, isItem: (item: string) => boolean, problem: string): Format => ({
  meaning,
  fromText: listFromText,
  problem: (value) =>
    Array.isArray(value) && value.every((item) => isText(item) && isItem(item))
      ? undefined
      : problem,
});

const wordsOf = (...words: readonly string[]): Format =>
  listOf(
    `list of ${words.map((word) => `\`${word}\``).join(', ')}`,
    (item) => words.includes(item),
    `must be a list of ${words.join(', ')}`,
  );

/** Only asymmetric ones: with another the public keys of an issuer would sign tokens. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

const isOrigin = (value: unknown): boolean =>
  isText(value) && isHttpUrl(value) && new URL(value).origin === value.toLowerCase();

const origins: Format = {
  meaning: 'list of `http(s)://HOST[:PORT]`',
  fromText: listFromText,
  problem: (value) =>
    Array.isArray(value) && value.every(isOrigin)
      ? undefined
      : 'must be a list of origins such as https://portal.example.org, without path or slash at the end',
};

const textMap: Format = {
  meaning: 'table of texts',
  fromText: jsonFromText,
  problem: (value) =>
    isRecord(value) && Object.values(value).every(isText) ? undefined : 'must be a table of texts',
};

const MOUNT_KEYS = ['host', 'path', 'mode'];

const mountProblem = (mount: unknown, index: number): string | undefined => {
  const where = `entry ${String(index)}`;
  if (!isRecord(mount)) return `${where} must be a table { host, path, mode }`;
  const unknown = Object.keys(mount).find((key) => !MOUNT_KEYS.includes(key));
  if (unknown !== undefined) return `${where}: unknown key ${unknown} (host, path, mode)`;
  for (const key of ['host', 'path']) {
    const value = mount[key];
    if (!isText(value) || !path.isAbsolute(value) || value.split('/').includes('..')) {
      return `${where}: ${key} must be an absolute path without ..`;
    }
  }
  const mode = mount['mode'] ?? 'ro';
  return mode === 'ro' || mode === 'rw' ? undefined : `${where}: mode must be ro or rw`;
};

const mounts: Format = {
  meaning: 'list of `{ host, path, mode = "ro" or "rw" }`',
  fromText: jsonFromText,
  problem: (value) => {
    if (!Array.isArray(value)) return 'must be a list of { host, path, mode }';
    return value.map(mountProblem).find((problem) => problem !== undefined);
  },
};

const tables: Format = {
  meaning: 'list of tables',
  fromText: jsonFromText,
  problem: (value) =>
    Array.isArray(value) && value.every(isRecord) ? undefined : 'must be a list of tables',
};

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/;

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

export const FORMATS = {
  port: whole(0, 65_535),
  count: whole(0, Number.MAX_SAFE_INTEGER),
  positive: whole(1, Number.MAX_SAFE_INTEGER),
  content_size: whole(1, 4_194_304),
  amount: {
    meaning: 'number, 0 or more',
    fromText: numberFromText,
    problem: (value) =>
      typeof value === 'number' && Number.isFinite(value) && value >= 0
        ? undefined
        : 'must be a number, 0 or more',
  },
  boolean_strict: {
    meaning: '`true` or `false`',
    fromText: (given) => BOOLEANS[given] ?? given,
    problem: (value) => (typeof value === 'boolean' ? undefined : 'must be true or false'),
  },
  text: text('text', () => undefined),
  required_text: text('text', (value) => (value === '' ? 'must not be empty' : undefined)),
  name: text('letters, digits, `_`, `.`, `-`', (value) =>
    NAME.test(value) ? undefined : 'must be 1 to 63 letters, digits, _, . or -',
  ),
  http_url: httpUrl,
  time: text('RFC 3339 time or empty', (value) =>
    value === '' || (RFC_3339.test(value) && !Number.isNaN(Date.parse(value)))
      ? undefined
      : 'must be a time such as 2030-01-31T12:00:00Z',
  ),
  store_url: storeUrl,
  secret: text('text, `env:NAME` or `file:PATH`', () => undefined),
  texts,
  origins,
  text_map: textMap,
  networks: listOf(
    'list of addresses or CIDR ranges',
    isNetwork,
    'must be a list of addresses or ranges such as 10.0.0.0/8',
  ),
  auth_modes: wordsOf('basic', 'token', 'oidc'),
  root_mode: choice('ro', 'wo', 'rw'),
  direct_schemes: wordsOf(...DIRECT_SCHEMES),
  algorithms: wordsOf(...ALGORITHMS),
  issuer: text('https URL, or http on loopback', (value) =>
    isSecureUrl(value) ? undefined : 'must be an https:// URL (http:// on loopback only)',
  ),
  header_name: text('name of a header or empty', (value) =>
    /^[A-Za-z0-9-]*$/.test(value) ? undefined : 'must be the name of a header, or empty',
  ),
  parameter_name: text('name of a query parameter or empty', (value) =>
    /^[A-Za-z0-9_.-]*$/.test(value) ? undefined : 'must have only letters, digits, _, . and -',
  ),
  mounts,
  tables,
  transport: choice('embedded', 'rest', 'amqp'),
  runtime: choice('auto', 'docker', 'podman', 'apptainer', 'bubblewrap'),
  pull: choice('never', 'missing', 'always'),
  log_format: choice('auto', 'json', 'text'),
  log_level: choice('debug', 'info', 'warn', 'error'),
  missing_output: choice('complete', 'error'),
  upload: choice('put', 'post'),
  s3_credentials: choice('default', 'none'),
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;
