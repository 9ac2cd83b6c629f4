/** The keys of each table that the configuration lists, such as `[[destinations]]`. */
import type { PlanMount, PullPolicy, RuntimeKind } from '../tasks/plan.ts';
import type { DirectScheme, RootMode, S3Credentials, TransportKind, Upload } from './types.ts';
import { key, NO_TEXTS, sensitive, WHO, type KeySchema } from './key-schema.ts';

const NO_MOUNTS: readonly MountEntry[] = [];
const NO_PAIRS: Readonly<Record<string, string>> = {};

/** `mode` is `ro` where it is missing. */
type MountEntry = Omit<PlanMount, 'mode'> & { readonly mode?: PlanMount['mode'] };

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
    'Schemes over which jobs may move files themselves where that takes no credentials: `http`, `https`, `ftp` (inputs), `s3` (inputs, by presigned links of an hour). All other data goes through this server.',
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
  live: key(
    'boolean_strict',
    false,
    'Tasks work in folders below it themselves: an input of type DIRECTORY is neither copied nor read-only. Needs mode `rw`.',
  ),
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
  name: key('name', '', 'Name of the service in messages. Required.'),
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
