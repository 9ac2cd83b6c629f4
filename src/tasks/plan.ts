/** The plan: everything the job runner needs for one attempt. Written by the server, read by `runner/`; versioned, 0600, erased when the job ends. */

/** Version of plan, beacon and report that this server writes. The runner ships with the job, so both sides always agree. */
export const PLAN_VERSION = 1;

export const RUNTIMES = ['docker', 'podman', 'apptainer', 'bubblewrap'] as const;

/** `auto` = the first that answers on the host. */
export type RuntimeKind = 'auto' | (typeof RUNTIMES)[number];
export type PullPolicy = 'never' | 'missing' | 'always';

/** How containers run on the destination. */
export interface PlanRuntime {
  readonly kind: RuntimeKind;
  /** `default` = the runtime's own, `none`, or the name of a network the engine knows. */
  readonly network: string;
  readonly pull: PullPolicy;
  /** Image name → local image, image file or root folder; `*` = any other image. */
  readonly images: Readonly<Record<string, string>>;
}

/** One bind mount configured by the operator for every task of a destination. */
export interface PlanMount {
  /** Absolute path on the destination's host. */
  readonly host: string;
  /** Absolute path inside the container. */
  readonly path: string;
  readonly mode: 'ro' | 'rw';
}

export interface PlanLimits {
  /** CPU cores for each container; absent = no limit. */
  readonly cpus?: number;
  /** Memory for each container in bytes; absent = no limit. */
  readonly ram_bytes?: number;
  /** Free bytes wanted on the work folder's file system before anything starts. */
  readonly disk_bytes?: number;
  /** Processes in a container. */
  readonly pids: number;
  /** Bytes kept of each stdout and stderr log file of the runner (a redirected TES stdout file is never cut). */
  readonly log_bytes: number;
  /** Bytes kept of each stream in the report. */
  readonly tail_bytes: number;
  /** Seconds for the whole attempt; absent = no limit. */
  readonly walltime_s?: number;
  /** Seconds between TERM and KILL. */
  readonly grace_s: number;
  /** Seconds for one http transfer without a byte of progress. */
  readonly stall_s: number;
  /** What the task may move or copy; absent = no limit, like the next three. */
  readonly input_bytes?: number;
  readonly input_files?: number;
  readonly output_bytes?: number;
  readonly output_files?: number;
}

export interface PlanExecutor {
  readonly image: string;
  readonly command: readonly string[];
  readonly workdir?: string;
  readonly stdin?: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly ignore_error: boolean;
}

export type TesFileType = 'FILE' | 'DIRECTORY';

/** What a file must be, where its URL says so. */
export interface PlanCheck {
  /** Lower-case hex. */
  readonly sha256: string;
  /** The URL as messages name it. */
  readonly url: string;
}

interface PlanInputBase {
  /** Why no cheaper method fits, for people; absent = this is the cheapest. */
  readonly why?: string;
  /** Index in the task's `inputs`. */
  readonly i: number;
  /** Absolute path inside the container. */
  readonly path: string;
  readonly type: TesFileType;
  readonly check?: PlanCheck;
}

export type PlanInput =
  | (PlanInputBase & { readonly method: 'content'; readonly content: string })
  /** `files`: spellings of the same URL, tried in this order (literal first, then percent-decoded). */
  | (PlanInputBase & { readonly method: 'mount'; readonly files: readonly string[] })
  | (PlanInputBase & { readonly method: 'direct'; readonly url: string })
  /** Fetched through `Plan.relay`. */
  | (PlanInputBase & { readonly method: 'relay' })
  /** Laid into the job before it starts (pushes.ts). */
  | PushedInput;

export interface PushedInput extends PlanInputBase {
  readonly method: 'push';
}

interface PlanOutputBase {
  readonly why?: string;
  readonly i: number;
  readonly path: string;
  readonly path_prefix?: string;
  readonly type: TesFileType;
  /** URL as the client gave it; base of the URLs in `report.outputs`. */
  readonly url: string;
}

export type PlanOutput =
  | (PlanOutputBase & { readonly method: 'mount'; readonly file: string })
  /** HTTP by the runner: PUT, or POST of a form whose field `file` it is. */
  | (PlanOutputBase & { readonly method: 'direct'; readonly upload?: 'post' })
  /** HTTP PUT to `Plan.relay`. */
  | (PlanOutputBase & { readonly method: 'relay' })
  /** Left in the job, from which the server fetches it (pushes.ts). */
  | (PlanOutputBase & { readonly method: 'push' });

export interface PlanBeacon {
  /** `http(s)://…/files/<job>/beacon`. */
  readonly url: string;
  /** HMAC-SHA256 key of this job, as text; signs `<time>.<body>`. */
  readonly key: string;
  /** Seconds between two `alive` beacons. */
  readonly interval_s: number;
}

/** How the job moves data through this server. */
export interface PlanRelay {
  /** `http(s)://…/files/<job>`. */
  readonly url: string;
  /** Bearer token of this job alone. */
  readonly token: string;
}

export interface PlanStorage {
  /** Real paths below which inputs may be read. */
  readonly read: readonly string[];
  /** Real paths below which outputs may be written. */
  readonly write: readonly string[];
  /** Those below which tasks work in folders themselves: DIRECTORY inputs whose real path lies there are bound read-write. */
  readonly live: readonly string[];
  /** Hosts, addresses or CIDR ranges that may be used although private or loopback. */
  readonly http_allow: readonly string[];
  readonly ftp_allow: readonly string[];
}

export interface Plan {
  readonly v: typeof PLAN_VERSION;
  readonly job: string;
  /** Id of the installation; labels containers. */
  readonly server: string;
  readonly runtime: PlanRuntime;
  readonly mounts: readonly PlanMount[];
  /** Environment the operator gives every task; a task's own `env` wins. */
  readonly env: Readonly<Record<string, string>>;
  readonly limits: PlanLimits;
  readonly storage: PlanStorage;
  /** What a missing output makes of a task whose executors all succeeded. */
  readonly missing_output: 'complete' | 'error';
  readonly executors: readonly PlanExecutor[];
  readonly inputs: readonly PlanInput[];
  readonly outputs: readonly PlanOutput[];
  readonly volumes: readonly string[];
  readonly beacon?: PlanBeacon;
  /** Absent = the job cannot reach this server. */
  readonly relay?: PlanRelay;
}
