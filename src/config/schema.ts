/** Every key of the configuration: its format, default and meaning. `config/default.toml` and `docs/configuration.md` follow this table. */
import type { PlanMount, PullPolicy, RuntimeKind } from '../tasks/plan.ts';
import type { FormatName } from './formats.ts';
import type {
  AuthMode,
  DirectScheme,
  LogFormat,
  LogLevel,
  MissingOutput,
  RootMode,
  S3Credentials,
  TransportKind,
  Upload,
} from './types.ts';

export interface KeySchema<T> {
  readonly doc: string;
  readonly format: FormatName;
  readonly default: T;
  readonly sensitive?: boolean;
}

const key = <T>(format: FormatName, value: T, doc: string): KeySchema<T> => ({
  doc,
  format,
  default: value,
});

/** Its value never appears in a message, for it may hold a secret. */
const sensitive = <T>(format: FormatName, value: T, doc: string): KeySchema<T> => ({
  ...key(format, value, doc),
  sensitive: true,
});

const NO_TEXTS: readonly string[] = [];
const NO_TABLES: readonly Readonly<Record<string, unknown>>[] = [];
const NO_MOUNTS: readonly MountEntry[] = [];
const NO_PAIRS: Readonly<Record<string, string>> = {};

/** `mode` is `ro` where it is missing. */
type MountEntry = Omit<PlanMount, 'mode'> & { readonly mode?: PlanMount['mode'] };

/** Where a store URL starts with this, the data directory is meant. */
export const DATA_PLACEHOLDER = 'DATA/';

/** Meaning of `allow` in every entry of a storage. */
const WHO =
  '`*`, `user:NAME`, `ISSUER|SUBJECT` or `group:NAME`. With authentication, none = admins only; without it everybody may.';

export const CONFIG_SCHEMA = {
  data: key(
    'required_text',
    './data',
    'Data directory: database, the embedded Pulsar, the install secret.',
  ),
  secret: sensitive(
    'secret',
    '',
    'Install secret: the keys of jobs derive from it. At least 32 characters, best given as `env:NAME` or `file:PATH`; empty = one made in the data directory. Processes that share a MongoDB need the same.',
  ),
  allow_dangerous_mounts: key(
    'texts',
    NO_TEXTS,
    'Mounts that refuse to start unless they lie at or below a path named here: of /, /proc, /sys, /dev, /etc, of engine sockets or folders holding one; with mode rw, of what overlaps with a root of storage.file; and of what lies in a mount with mode rw.',
  ),
  server: {
    host: key('required_text', '127.0.0.1', 'Address to listen on.'),
    port: key('port', 8080, 'Port to listen on; 0 takes a free one.'),
    public_url: key(
      'http_url',
      '',
      'How jobs and users reach this server, where a proxy is before it; may have a path, which the proxy takes off. Empty = the address it listens on.',
    ),
    allowed_hosts: key(
      'texts',
      NO_TEXTS,
      'Host names answered besides loopback ones and the one of `public_url`.',
    ),
    allowed_origins: key(
      'origins',
      NO_TEXTS,
      'Origins of web pages that may use the API from a browser, such as `https://portal.example.org`.',
    ),
    trust_proxy: key(
      'networks',
      NO_TEXTS,
      'Proxies before this server: of their requests `X-Forwarded-For` tells the caller.',
    ),
    allowed_networks: key(
      'networks',
      NO_TEXTS,
      'Networks whose callers are answered; empty = all. Job hosts and health checks are not concerned.',
    ),
    allow_public_without_auth: key(
      'boolean_strict',
      false,
      'Listen on more than loopback although anybody who reaches the port may run containers.',
    ),
  },
  api: {
    repeat_window_s: key(
      'count',
      0,
      'Seconds in which a body that its owner posts again, without an Idempotency-Key, makes no second task: for clients that post again after a time-out (60 suits py-tes). 0 = each request makes a task.',
    ),
    reads_per_minute: key(
      'count',
      0,
      'Requests of one caller, other than POST, that are answered in a minute; the rest is 429. 0 = no limit, as most clients give up a task at the first 429.',
    ),
    writes_per_minute: key('count', 0, 'The same for POST: creations and cancels.'),
    settle_s: key(
      'count',
      0,
      'Seconds after its creation for which the FULL view of a task waits for its end, for suites and scripts that read logs right away; 0 = it never waits.',
    ),
  },
  auth: {
    modes: key<readonly AuthMode[]>(
      'auth_modes',
      [],
      'Credentials that are taken: `basic` = users of `users_file`, `token` = API tokens of `tokens_file`, `oidc` = tokens of the issuers below. None = no authentication.',
    ),
    users_file: key(
      'required_text',
      `${DATA_PLACEHOLDER}users.json`,
      'Users and their password hashes, written by `magnetar user`.',
    ),
    tokens_file: key(
      'required_text',
      `${DATA_PLACEHOLDER}tokens.json`,
      'API tokens, hashed, written by `magnetar token`.',
    ),
    token_header: key(
      'header_name',
      '',
      'Header that may carry a token besides `Authorization: Bearer`, such as `X-API-Key`; empty = none.',
    ),
    token_parameter: key(
      'parameter_name',
      '',
      'Query parameter that may carry a token, for clients that can do no better; cut from every log. Empty = none.',
    ),
    admins: key(
      'texts',
      NO_TEXTS,
      'Who sees and cancels all tasks: `user:NAME`, `ISSUER|SUBJECT` or `group:NAME`.',
    ),
    viewers: key('texts', NO_TEXTS, 'Who sees all tasks and changes none; written like `admins`.'),
    shared_groups: key(
      'texts',
      NO_TEXTS,
      'Groups whose members see and cancel each other’s tasks; `*` = every group of an issuer’s `groups_claim`.',
    ),
    issuers: sensitive('tables', NO_TABLES, 'Issuers of tokens for mode `oidc`, see below.'),
  },
  store: {
    url: sensitive(
      'store_url',
      `sqlite:${DATA_PLACEHOLDER}magnetar.db`,
      'Where tasks live. `DATA/` at the start of an SQLite path stands for the data directory.',
    ),
  },
  storage: {
    file: {
      read: key('texts', NO_TEXTS, 'Folders below which inputs may be read by path or `file://`.'),
      write: key('texts', NO_TEXTS, 'Folders below which outputs may be written.'),
      allow: key('texts', NO_TEXTS, `Who may use these folders: ${WHO}`),
      roots: key('tables', NO_TABLES, 'Folders with rules of their own, see below.'),
    },
    http: {
      allow: key(
        'texts',
        NO_TEXTS,
        'Hosts, addresses or CIDR ranges that tasks may use over http although private or loopback.',
      ),
      hosts: sensitive(
        'tables',
        NO_TABLES,
        'Credentials for hosts, and how files are stored there, see below.',
      ),
      netrc: key(
        'text',
        '',
        'File with credentials for hosts that have none above: a path, `~/.netrc`, or `env:NETRC` for a path in a variable; only its owner may read it. Its `default` is ignored: it would go to every host. Empty = none.',
      ),
    },
    ftp: {
      allow: key(
        'texts',
        NO_TEXTS,
        'Hosts, addresses or CIDR ranges that tasks may use over ftp although private or loopback.',
      ),
      hosts: sensitive('tables', NO_TABLES, 'Credentials for hosts, see below.'),
    },
    s3: sensitive('tables', NO_TABLES, 'S3 services and their credentials, see below.'),
  },
  destinations: sensitive(
    'tables',
    NO_TABLES,
    'Places that run tasks, see below. None = one embedded Pulsar called `local`.',
  ),
  tasks: {
    missing_output: key<MissingOutput>(
      'missing_output',
      'complete',
      'State of a task whose executors succeeded but an output is missing: COMPLETE with a line in `system_logs`, or SYSTEM_ERROR.',
    ),
  },
  limits: {
    body_bytes: key('positive', 16_777_216, 'Largest request body.'),
    content_bytes: key(
      'content_size',
      1_048_576,
      'Largest `content` of one input; a document of MongoDB (16 MB) must hold one with room to spare.',
    ),
    tail_bytes: key('positive', 65_536, 'Bytes kept of each stdout and stderr on the task.'),
    log_bytes: key('positive', 67_108_864, 'Bytes kept of each full stdout and stderr file.'),
    pids: key('positive', 4096, 'Processes in one container.'),
    walltime_s: key('count', 0, 'Seconds for one attempt; 0 = no limit.'),
    grace_s: key('count', 2, 'Seconds between TERM and KILL.'),
    stall_s: key('positive', 60, 'Seconds a transfer may stand still.'),
    task_input_bytes: key(
      'count',
      0,
      'Bytes that the inputs of one task may have, without what is mounted where it lies; 0 = no limit.',
    ),
    task_input_files: key('count', 0, 'The same in files.'),
    task_output_bytes: key(
      'count',
      0,
      'Bytes that the outputs of one task may have; 0 = no limit.',
    ),
    task_output_files: key('count', 0, 'The same in files.'),
    owner_queued: key(
      'count',
      0,
      'Waiting tasks of one owner, above which new ones are refused; 0 = no limit.',
    ),
    owner_stored: key(
      'count',
      0,
      'All stored tasks of one owner, above which new ones are refused; 0 = no limit.',
    ),
    owner_running: key(
      'count',
      0,
      'Tasks of one owner that run at the same time, on all destinations and servers; more wait. 0 = no limit.',
    ),
  },
  service: {
    id: key('required_text', 'org.magnetar.local', 'Id in service-info, reverse domain style.'),
    name: key('required_text', 'Magnetar', 'Name in service-info.'),
    description: key(
      'text',
      'GA4GH TES server on Galaxy Pulsar',
      'Description in service-info; empty = none.',
    ),
    contact_url: key('text', '', 'Contact in service-info: a URL or `mailto:`; empty = none.'),
    documentation_url: key('http_url', '', 'Documentation in service-info; empty = none.'),
    environment: key('text', '', 'Environment in service-info, such as `prod`; empty = none.'),
    created_at: key('time', '', 'When the service began, in service-info; empty = none.'),
    updated_at: key('time', '', 'When it was last changed, in service-info; empty = none.'),
    organization: {
      name: key('required_text', 'Magnetar', 'Organization in service-info.'),
      url: key(
        'http_url',
        '',
        'Its URL. The contract requires one: empty = `server.public_url`, or the address this server listens on.',
      ),
    },
  },
  log: {
    format: key<LogFormat>('log_format', 'auto', '`auto` = text on a terminal, else JSON.'),
    level: key<LogLevel>('log_level', 'info', 'Least level written.'),
  },
} as const;

export const DESTINATION_SCHEMA = {
  name: key('name', '', 'Name of the destination; unique. Required.'),
  transport: key<TransportKind>(
    'transport',
    'embedded',
    '`embedded`: a Pulsar this server installs and supervises; `rest`: a Pulsar web server; `amqp`: not available yet.',
  ),
  url: key('http_url', '', 'Pulsar of a `rest` destination.'),
  private_token: sensitive(
    'secret',
    '',
    '`private_token` of the Pulsar; best given as `env:NAME` or `file:PATH`.',
  ),
  python: key(
    'text',
    '',
    'Path of the Python that an `embedded` Pulsar and its jobs use; empty = the first fit on the PATH.',
  ),
  manager: key('name', '_default_', 'Pulsar manager.'),
  key_prefix: key('text', '', '`amqp_key_prefix` of the Pulsar; for `amqp` only.'),
  max_jobs: key('count', 16, 'Tasks at the same time; 0 = paused.'),
  cores: key('amount', 0, 'Cores that running tasks may ask for together; 0 = not counted.'),
  ram_gb: key('amount', 0, 'Memory that running tasks may ask for together, GB; 0 = not counted.'),
  network: key(
    'required_text',
    'default',
    'Network of containers: `default` (the runtime’s own), `none`, or the name of one.',
  ),
  runtime: key<RuntimeKind>('runtime', 'auto', 'Container runtime; `auto` = the first that works.'),
  pull: key<PullPolicy>('pull', 'missing', 'When images are pulled.'),
  shared_filesystem: key(
    'boolean_strict',
    false,
    'The destination sees the files of this server under the same paths; always so for `embedded`.',
  ),
  direct: key<readonly DirectScheme[]>(
    'direct_schemes',
    ['http', 'https'],
    'Schemes over which jobs may move files themselves where that takes no credentials: `http`, `https`, `ftp` (inputs). All other data goes through this server.',
  ),
  mounts: key('mounts', NO_MOUNTS, 'Folders of the host that every container sees.'),
  env: sensitive('text_map', NO_PAIRS, 'Environment of every container; a task’s own `env` wins.'),
  images: key(
    'text_map',
    NO_PAIRS,
    'Image name = local image, image file or root folder; `"*"` = every other image.',
  ),
} as const satisfies Record<string, KeySchema<unknown>>;

export const ISSUER_SCHEMA = {
  issuer: key('issuer', '', 'The issuer, exactly as `iss` of its tokens says. Required.'),
  audiences: key('texts', NO_TEXTS, 'A token must be meant for one of these (`aud`). Required.'),
  algorithms: key<readonly string[]>(
    'algorithms',
    ['RS256', 'ES256'],
    'Signatures that are taken; never one with a shared secret.',
  ),
  clock_skew_s: key('count', 30, 'Seconds by which clocks may differ.'),
  groups_claim: key(
    'text',
    '',
    'Claim with the groups of a user, for roles and sharing; may be a path such as `realm_access.roles`. Empty = none.',
  ),
  client_id: key(
    'text',
    '',
    'Client by which this server asks the issuer about opaque tokens (introspection); empty = opaque tokens are refused.',
  ),
  client_secret: sensitive('secret', '', 'Its secret; best given as `env:NAME` or `file:PATH`.'),
  page_client_id: key(
    'text',
    '',
    'Public client by which users sign in on the page at `/` (authorization code with PKCE); empty = they cannot.',
  ),
  page_scopes: key<readonly string[]>(
    'texts',
    ['openid'],
    'Scopes that the page asks for; those that put the audience and the groups into access tokens.',
  ),
} as const satisfies Record<string, KeySchema<unknown>>;

export const FILE_ROOT_SCHEMA = {
  path: key(
    'text',
    '',
    'The folder; `{user}` and `{group}` stand for the name of whoever uses it and of each of his groups. Required.',
  ),
  mode: key<RootMode>('root_mode', 'ro', '`ro` = inputs, `wo` = outputs, `rw` = both.'),
  allow: key('texts', NO_TEXTS, `Who may use it: ${WHO}`),
} as const satisfies Record<string, KeySchema<unknown>>;

export const HTTP_HOST_SCHEMA = {
  host: key('text', '', '`data.example`, or `data.example:8080` for one port of it. Required.'),
  user: key('text', '', 'User for Basic authentication; empty = none.'),
  password: sensitive('secret', '', 'Its password; best given as `env:NAME` or `file:PATH`.'),
  token: sensitive('secret', '', 'Bearer token, instead of user and password.'),
  upload: key<Upload>(
    'upload',
    'put',
    'How outputs are stored: `put` = PUT of the bytes, `post` = a form with the field `file`.',
  ),
  allow: key('texts', NO_TEXTS, `Who may use its credentials: ${WHO}`),
} as const satisfies Record<string, KeySchema<unknown>>;

export const FTP_HOST_SCHEMA = {
  host: key('text', '', '`data.example`, or `data.example:2121` for one port of it. Required.'),
  user: key('text', 'anonymous', 'User.'),
  password: sensitive('secret', '', 'Its password; best given as `env:NAME` or `file:PATH`.'),
  allow: key('texts', NO_TEXTS, `Who may use it: ${WHO}`),
} as const satisfies Record<string, KeySchema<unknown>>;

export const S3_SCHEMA = {
  name: key('name', '', 'Name of the service in messages; unique. Required.'),
  endpoint: key('http_url', '', 'Its address; empty = AWS.'),
  region: key('required_text', 'us-east-1', 'Region.'),
  path_style: key(
    'boolean_strict',
    true,
    'Buckets are in the path, as most own servers have it, not in the host name.',
  ),
  buckets: key(
    'texts',
    NO_TEXTS,
    'Buckets that are there, or `bucket/prefix` of keys; `*` stands for any characters, `{user}` and `{group}` as for folders. None = all. The first service that has a bucket is used.',
  ),
  access_key: sensitive('secret', '', 'Access key; best given as `env:NAME` or `file:PATH`.'),
  secret_key: sensitive('secret', '', 'Its secret.'),
  credentials: key<S3Credentials>(
    's3_credentials',
    'default',
    'Without keys: `default` = those of the environment and the standard files of AWS; `none` = requests are not signed.',
  ),
  mode: key<RootMode>('root_mode', 'rw', '`ro` = inputs, `wo` = outputs, `rw` = both.'),
  allow: key('texts', NO_TEXTS, `Who may use it: ${WHO}`),
} as const satisfies Record<string, KeySchema<unknown>>;

type SchemaNode = KeySchema<unknown> | { readonly [name: string]: SchemaNode };

export const isKeySchema = (node: SchemaNode): node is KeySchema<unknown> =>
  typeof node['format'] === 'string' && typeof node['doc'] === 'string';

/** All keys of a schema by dotted name, in order. */
export const keysOf = (
  schema: Readonly<Record<string, SchemaNode>>,
  prefix = '',
): readonly (readonly [string, KeySchema<unknown>])[] =>
  Object.entries(schema).flatMap(([name, node]) =>
    isKeySchema(node) ? [[`${prefix}${name}`, node] as const] : keysOf(node, `${prefix}${name}.`),
  );
