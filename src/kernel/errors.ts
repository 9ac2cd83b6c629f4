/** The catalogue of everything that can go wrong, and the one error class that carries it. `docs/errors.md` is generated from this table. */

export interface ErrorRow {
  /** HTTP status when the error reaches a client. */
  readonly status: number;
  /** Log level when the error reaches the HTTP edge or ends a loop. */
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  /** Whether the message may be shown to a client. */
  readonly expose: boolean;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  readonly meaning: string;
}

const row = (
  status: number,
  level: ErrorRow['level'],
  meaning: string,
  extra: { expose?: boolean; retryable?: boolean } = {},
): ErrorRow => ({
  status,
  level,
  meaning,
  expose: extra.expose ?? status < 500,
  retryable: extra.retryable ?? false,
});

export const ERRORS = {
  BAD_REQUEST: row(400, 'info', 'The request as a whole cannot be read (JSON, query, header).'),
  BAD_TASK: row(
    400,
    'info',
    'The task breaks the contract or a rule of this server; `details` names each field.',
  ),
  BAD_PAGE_TOKEN: row(
    400,
    'info',
    'The page token is not one of this server, or was made for another filter.',
  ),
  UNAUTHENTICATED: row(
    401,
    'info',
    'The credentials are missing or do not hold; WWW-Authenticate says what is taken.',
  ),
  SCHEME_UNSUPPORTED: row(
    400,
    'info',
    'A URL of the task has a scheme that this server cannot move data over.',
  ),
  STORAGE_REFUSED: row(
    403,
    'info',
    'A URL of the task lies outside what this server may read or write.',
  ),
  HOST_REFUSED: row(
    403,
    'info',
    'The Host header is not one this server answers to without authentication.',
  ),
  ORIGIN_REFUSED: row(403, 'info', 'The request comes from a web page of a foreign origin.'),
  NETWORK_REFUSED: row(403, 'info', 'The caller is outside the networks that may use this server.'),
  ROLE_REFUSED: row(403, 'info', 'The caller may see tasks but not change them.'),
  QUOTA_REACHED: row(
    403,
    'info',
    'The caller has as many stored tasks as are allowed; the message names limit and use.',
  ),
  SIGNATURE_REFUSED: row(403, 'warn', 'A beacon or transfer is not signed by the key of its job.'),
  TASK_UNKNOWN: row(404, 'info', 'No task with this id is visible to the caller.'),
  LOG_UNKNOWN: row(404, 'info', 'There is no such log, or it is not kept any more.'),
  PATH_UNKNOWN: row(404, 'info', 'No such path.'),
  METHOD_UNKNOWN: row(
    405,
    'info',
    'The path exists, but not with this method; see the Allow header.',
  ),
  KEY_IN_USE: row(
    409,
    'info',
    'The first request with this Idempotency-Key is still being worked on.',
    { retryable: true },
  ),
  JOB_OVER: row(
    410,
    'debug',
    'The job that calls is not the current one of its task, or shall end.',
  ),
  BODY_TOO_LARGE: row(413, 'info', 'The body is larger than this server takes.'),
  MEDIA_TYPE: row(415, 'info', 'A body must be application/json.'),
  RANGE_UNKNOWN: row(416, 'info', 'The Range header asks for bytes that are not there.'),
  KEY_REUSED: row(422, 'info', 'The Idempotency-Key was used for another body.'),
  LIMIT_REACHED: row(
    429,
    'info',
    'The caller has as many waiting or running tasks as are allowed; the message names limit and use.',
    { retryable: true },
  ),
  RATE_LIMITED: row(429, 'info', 'The caller makes too many requests; see Retry-After.', {
    retryable: true,
  }),
  INTERNAL: row(
    500,
    'error',
    'A fault of this server; its log has the details under the request id.',
  ),
  STOPPING: row(503, 'debug', 'The server is shutting down.', { expose: true, retryable: true }),
  NOT_READY: row(503, 'debug', 'The server cannot take tasks yet; the message says why.', {
    expose: true,
    retryable: true,
  }),
  ISSUER_UNAVAILABLE: row(503, 'warn', 'The issuer of a token cannot be asked.', {
    expose: true,
    retryable: true,
  }),
  OVERLOADED: row(503, 'warn', 'Too many costly requests at once.', {
    expose: true,
    retryable: true,
  }),
  STORE_UNAVAILABLE: row(503, 'error', 'The database does not answer.', {
    expose: true,
    retryable: true,
  }),
  CONFIG_INVALID: row(500, 'error', 'The configuration is wrong; the message names the key.', {
    expose: true,
  }),
  STARTUP: row(500, 'error', 'The server cannot start; the message says what to do.', {
    expose: true,
  }),
  ILLEGAL_TRANSITION: row(500, 'error', 'A state change that the table of states does not allow.'),
  PULSAR_UNREACHABLE: row(502, 'warn', 'The Pulsar does not answer.', { retryable: true }),
  PULSAR_REFUSED: row(502, 'warn', 'The Pulsar answered with an error.'),
  PULSAR_UNAUTHORIZED: row(502, 'error', 'The Pulsar does not accept the private token.'),
  NO_METHOD: row(400, 'info', 'No way of moving the data fits the task and the destination.'),
  STORAGE_MISSING: row(404, 'info', 'Nothing is stored under a URL of the task.'),
  STORAGE_DENIED: row(
    403,
    'info',
    'A storage does not let this server read or write a URL of the task.',
  ),
  STORAGE_UNAVAILABLE: row(503, 'warn', 'A storage does not answer, or asks to come again later.', {
    expose: true,
    retryable: true,
  }),
  STORAGE_FAILED: row(
    502,
    'warn',
    'A storage answers what cannot be used; the message says what.',
    {
      expose: true,
    },
  ),
  SECRET_UNREADABLE: row(
    500,
    'error',
    'The sealed secrets of a task (in its URLs) cannot be read: the install secret is another one, or they are gone.',
    { expose: true },
  ),
  LEASE_LOST: row(503, 'warn', 'Another process owns the destination now.', { retryable: true }),
  ABORTED: row(503, 'debug', 'The work was called off.', { retryable: true }),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** One problem of a request: where (JSON path such as `executors[0].command`) and what. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

export interface ErrorOptions {
  readonly cause?: unknown;
  /** Safe to show wherever the message may be shown. */
  readonly details?: readonly FieldProblem[];
  /** Extra HTTP response headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

export class MagnetarError extends Error {
  override readonly name = 'MagnetarError';
  readonly code: ErrorCode;
  readonly details: readonly FieldProblem[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? [];
    this.headers = options.headers ?? {};
  }

  get row(): ErrorRow {
    return ERRORS[this.code];
  }
}

export const isMagnetarError = (error: unknown, code?: ErrorCode): error is MagnetarError =>
  error instanceof MagnetarError && (code === undefined || error.code === code);

/** Text of anything that was thrown. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
