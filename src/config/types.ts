/** The effective configuration: read once, checked, frozen. Key names are those of the file. */
import type { DIRECT_SCHEMES } from '../tasks/transfers.ts';
import type { PlanMount, PullPolicy, RuntimeKind } from '../tasks/plan.ts';

export interface ServerConfig {
  readonly host: string;
  /** 0 = a free port. */
  readonly port: number;
  /** Empty = the address the server listens on. No slash at the end. */
  readonly public_url: string;
  readonly allowed_hosts: readonly string[];
  readonly allowed_origins: readonly string[];
  readonly trust_proxy: readonly string[];
  /** Empty = every caller. */
  readonly allowed_networks: readonly string[];
  readonly allow_public_without_auth: boolean;
}

export type AuthMode = 'basic' | 'token' | 'oidc';

export interface IssuerConfig {
  /** Exactly as in its tokens. */
  readonly issuer: string;
  /** At least one. */
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  readonly clock_skew_s: number;
  /** Empty = none. */
  readonly groups_claim: string;
  /** Empty = it is not asked about opaque tokens. */
  readonly client_id: string;
  /** Resolved. */
  readonly client_secret: string;
  /** Empty = users do not sign in on the page. */
  readonly page_client_id: string;
  readonly page_scopes: readonly string[];
}

export interface AuthConfig {
  /** Empty = no authentication. */
  readonly modes: readonly AuthMode[];
  /** Absolute, like the next. */
  readonly users_file: string;
  readonly tokens_file: string;
  /** Empty = none, like the next. */
  readonly token_header: string;
  readonly token_parameter: string;
  readonly admins: readonly string[];
  readonly viewers: readonly string[];
  readonly shared_groups: readonly string[];
  readonly issuers: readonly IssuerConfig[];
}

export interface ApiConfig {
  /** 0 = equal bodies make tasks of their own. */
  readonly repeat_window_s: number;
  /** 0 = the FULL view does not wait. */
  readonly settle_s: number;
  /** 0 = no limit, here and below. */
  readonly reads_per_minute: number;
  readonly writes_per_minute: number;
}

export type Upload = 'put' | 'post';
export type RootMode = 'ro' | 'wo' | 'rw';

export interface FileRootConfig {
  /** A real path, up to the first `{user}` or `{group}`. */
  readonly path: string;
  readonly mode: RootMode;
  /** Tasks write in it themselves. */
  readonly live: boolean;
  readonly allow: readonly string[];
}

export interface HttpHostConfig {
  readonly host: string;
  /** Empty = none, like the next two. */
  readonly user: string;
  readonly password: string;
  readonly token: string;
  readonly upload: Upload;
  readonly allow: readonly string[];
}

export interface FtpHostConfig {
  readonly host: string;
  readonly user: string;
  readonly password: string;
  readonly allow: readonly string[];
}

export type S3Credentials = 'default' | 'none';

export interface S3Config {
  readonly name: string;
  /** Empty = AWS. */
  readonly endpoint: string;
  readonly region: string;
  readonly path_style: boolean;
  /** None = all. */
  readonly buckets: readonly string[];
  /** Empty = as `credentials` says. */
  readonly access_key: string;
  readonly secret_key: string;
  readonly credentials: S3Credentials;
  readonly mode: RootMode;
  readonly allow: readonly string[];
}

export interface StorageConfig {
  readonly file: {
    /** Real paths. */
    readonly read: readonly string[];
    readonly write: readonly string[];
    /** Who may use these two. */
    readonly allow: readonly string[];
    readonly roots: readonly FileRootConfig[];
  };
  readonly http: {
    readonly allow: readonly string[];
    /** Those of `netrc` as well. */
    readonly hosts: readonly HttpHostConfig[];
    readonly netrc: string;
  };
  readonly ftp: { readonly allow: readonly string[]; readonly hosts: readonly FtpHostConfig[] };
  readonly s3: readonly S3Config[];
}

export type DirectScheme = (typeof DIRECT_SCHEMES)[number];

interface DestinationBase {
  readonly name: string;
  readonly manager: string;
  /** 0 = paused. */
  readonly max_jobs: number;
  /** 0 = not counted. */
  readonly cores: number;
  readonly ram_gb: number;
  readonly network: string;
  readonly runtime: RuntimeKind;
  readonly pull: PullPolicy;
  readonly shared_filesystem: boolean;
  readonly direct: readonly DirectScheme[];
  readonly mounts: readonly PlanMount[];
  readonly env: Readonly<Record<string, string>>;
  readonly images: Readonly<Record<string, string>>;
}

export interface EmbeddedDestinationConfig extends DestinationBase {
  readonly transport: 'embedded';
  /** Empty = the first fit. */
  readonly python: string;
}

export interface RestDestinationConfig extends DestinationBase {
  readonly transport: 'rest';
  /** No slash at the end. */
  readonly url: string;
  /** Resolved; empty = none. */
  readonly private_token: string;
}

export type DestinationConfig = EmbeddedDestinationConfig | RestDestinationConfig;

export interface LimitsConfig {
  readonly body_bytes: number;
  readonly content_bytes: number;
  readonly tail_bytes: number;
  readonly log_bytes: number;
  readonly pids: number;
  /** 0 = no limit. */
  readonly walltime_s: number;
  readonly grace_s: number;
  readonly stall_s: number;
  /** 0 = no limit, like all that follow. */
  readonly task_input_bytes: number;
  readonly task_input_files: number;
  readonly task_output_bytes: number;
  readonly task_output_files: number;
  readonly owner_queued: number;
  readonly owner_running: number;
  readonly owner_stored: number;
}

export interface ServiceConfig {
  readonly id: string;
  readonly name: string;
  /** Empty = none, here and below. */
  readonly description: string;
  readonly contact_url: string;
  readonly documentation_url: string;
  readonly environment: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly organization: { readonly name: string; readonly url: string };
}

/** `amqp` is known and refused. */
export type TransportKind = 'embedded' | 'rest' | 'amqp';

export type MissingOutput = 'complete' | 'error';

export type LogFormat = 'auto' | 'json' | 'text';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogConfig {
  readonly format: LogFormat;
  readonly level: LogLevel;
}

export interface Config {
  /** Absolute. */
  readonly data: string;
  /** Resolved; empty = the one of the data directory. */
  readonly secret: string;
  readonly allow_dangerous_mounts: readonly string[];
  readonly server: ServerConfig;
  readonly auth: AuthConfig;
  readonly api: ApiConfig;
  /** `sqlite:<absolute path>` or a MongoDB URL. */
  readonly store: { readonly url: string };
  readonly storage: StorageConfig;
  /** At least one. */
  readonly destinations: readonly DestinationConfig[];
  readonly tasks: { readonly missing_output: MissingOutput };
  readonly limits: LimitsConfig;
  readonly service: ServiceConfig;
  readonly log: LogConfig;
}

/** Where each value came from, by dotted key: `default`, a file, a variable or a flag. */
export type Sources = ReadonlyMap<string, string>;

export interface LoadedConfig {
  readonly config: Config;
  readonly sources: Sources;
}
