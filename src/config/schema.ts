/** Every key of the configuration, its tables apart: its format, default and meaning. `config/default.toml` and `docs/configuration.md` follow this table. */
import { key, NO_TEXTS, sensitive, WHO } from './key-schema.ts';
import type { AuthMode, LogFormat, LogLevel, MissingOutput } from './types.ts';
const NO_TABLES: readonly Readonly<Record<string, unknown>>[] = [];

/** Where a store URL starts with this, the data directory is meant. */
export const DATA_PLACEHOLDER = 'DATA/';

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
    'Mounts that refuse to start unless they lie at or below a path named here: of /, /proc, /sys, /dev, /etc, of engine sockets or folders holding one; with mode rw, of what overlaps with a root of storage.file; of what lies in a mount with mode rw; and of live roots (`[[storage.file.roots]]`) that overlap with other roots or hold a mount.',
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
