/** What a client asked for, as it is kept: TES words, only what was sent, no content and no secrets. */

export interface TaskExecutor {
  readonly image: string;
  readonly command: readonly string[];
  readonly workdir?: string;
  readonly stdin?: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly ignore_error?: boolean;
}

export interface TaskInput {
  readonly name?: string;
  readonly description?: string;
  readonly url?: string;
  readonly path: string;
  readonly type?: 'FILE' | 'DIRECTORY';
  readonly streamable?: boolean;
  /** Bytes of the `content` kept in a part of kind `content`; absent = the input comes from its URL. */
  readonly content_bytes?: number;
}

export interface TaskOutput {
  readonly name?: string;
  readonly description?: string;
  readonly url: string;
  readonly path: string;
  readonly path_prefix?: string;
  readonly type?: 'FILE' | 'DIRECTORY';
}

export interface TaskResources {
  readonly cpu_cores?: number;
  readonly preemptible?: boolean;
  /** GB of 10^9 bytes, as TES counts. */
  readonly ram_gb?: number;
  readonly disk_gb?: number;
  readonly zones?: readonly string[];
  /** Only the keys this server supports, spelt as service-info lists them. */
  readonly backend_parameters?: Readonly<Record<string, string>>;
  readonly backend_parameters_strict?: boolean;
}

export interface TaskSpec {
  readonly name?: string;
  readonly description?: string;
  readonly inputs?: readonly TaskInput[];
  readonly outputs?: readonly TaskOutput[];
  readonly resources?: TaskResources;
  readonly executors: readonly TaskExecutor[];
  readonly volumes?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  /** How many parts of kind `secret` hold what was cut out of it; absent = nothing was. */
  readonly secret_parts?: number;
}
