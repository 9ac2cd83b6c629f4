/** One HTTP call to a Pulsar: builds the URL, bounds concurrency, time and size, and translates failures. */
import type { Readable } from 'node:stream';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import axios, { type AxiosResponse, type ResponseType } from 'axios';
import { MagnetarError } from '../../kernel/errors.ts';
import type { JobUpload, Take } from '../../tasks/ports/job-transport.ts';
import { withLinked } from '../../kernel/link-abort.ts';
import { handOn, ReceiverFailure } from './body.ts';
import { sending } from './sending.ts';
import { withSilence, type Silence } from './silence.ts';
import {
  abortReason,
  brokenOff,
  hungUp,
  isHangUp,
  isTooLarge,
  refused,
  tooLate,
  unreachable,
} from './failures.ts';
import { createGate, type Gate } from '../../kernel/gate.ts';

/** Where a Pulsar listens now; asked for at each call because the embedded one may move to another port. */
export interface Endpoint {
  /** Base URL without user, query or trailing slash. */
  readonly url: string;
  readonly privateToken?: string;
}

/** Calls under way per lane. Pulsar has four threads: transfers must leave some to the polls (protocol A.1). What is `bulk` may take hours. */
export const LANES = { control: 2, poll: 2, transfer: 2, bulk: 2, aside: 1, probe: 1 } as const;

export interface Call {
  /** For messages: what is being done. */
  readonly what: string;
  readonly lane: keyof typeof LANES;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Without the manager's prefix; its segments are checked names. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | Readable;
  /** Bytes of a body that is a stream, where they are known. */
  readonly size?: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export type Refusal =
  { readonly kind: 'error'; readonly status: number } | { readonly kind: 'hang-up' };

type Received = { readonly kind: 'ok' } | Refusal;

export type Answer = { readonly kind: 'ok'; readonly body: Buffer } | Refusal;

export interface PulsarClient {
  /** Address for messages. */
  where(): string;
  /** The answer as it is. Throws when there is none, and for 401 and answers of a proxy. */
  ask(call: Call): Promise<Answer>;
  /** As `ask`, but hands the body of a 200 on piece by piece, in bounded memory. What `take` throws is thrown. */
  receive(call: Call, take: Take): Promise<Received>;
  /** As `send`, with a body that is opened when the call's turn has come. What it ends with is thrown. */
  give(call: Call, open: () => Promise<JobUpload>): Promise<void>;
  /** The body of a 200; anything else is thrown. */
  send(call: Call): Promise<Buffer>;
  close(): void;
}

export interface ClientOptions {
  readonly endpoint: () => Endpoint;
  /** Manager other than `_default_`. */
  readonly manager?: string;
  readonly timeoutMs: number;
}

/** gunicorn closes idle connections after 2 s (protocol A.1); ours must go first. */
const IDLE_MS = 1000;
/** An error's page may be longer than the answer that was asked for. */
const ERROR_BYTES = 64 * 1024;
const FILE_LANES: ReadonlySet<Call['lane']> = new Set<Call['lane']>(['transfer', 'aside']);
/** A transfer may take this many times longer than another call. */
const TRANSFER_FACTOR = 10;

const queryText = (endpoint: Endpoint, query: Readonly<Record<string, string>>): string => {
  const token = endpoint.privateToken;
  const all = token === undefined ? query : { ...query, private_token: token };
  return Object.entries(all)
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join('&');
};

const dataOf = ({ body }: Call): Buffer | Readable | undefined =>
  body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.byteLength) : body;

const headersOf = ({ size }: Call): Record<string, string> => ({
  'content-type': 'application/octet-stream',
  ...(size === undefined ? {} : { 'content-length': String(size) }),
});

interface Exchange {
  readonly request: <Body extends Buffer | Readable>(
    call: Call,
    responseType: ResponseType,
    signal: AbortSignal,
  ) => Promise<AxiosResponse<Body>>;
  readonly prefix: string;
  readonly close: () => void;
}

/** The HTTP side: one axios request per call, whatever the answer's status. */
const createExchange = (options: ClientOptions): Exchange => {
  const agentOptions = { keepAlive: true, timeout: IDLE_MS };
  const httpAgent = new HttpAgent(agentOptions);
  const httpsAgent = new HttpsAgent(agentOptions);
  const prefix =
    options.manager === undefined ? '' : `/managers/${encodeURIComponent(options.manager)}`;
  const request: Exchange['request'] = (call, responseType, signal) => {
    const endpoint = options.endpoint();
    const factor = FILE_LANES.has(call.lane) ? TRANSFER_FACTOR : 1;
    return axios.request({
      method: call.method,
      url: `${endpoint.url}${prefix}${call.path}?${queryText(endpoint, call.query ?? {})}`,
      data: dataOf(call),
      headers: headersOf(call),
      responseType,
      validateStatus: () => true,
      maxRedirects: 0, // a redirect would carry the token elsewhere
      proxy: false,
      decompress: false,
      // Any bound of a stream, Infinity too, wraps it in one that cannot be closed before it is read; handOn counts.
      maxContentLength: responseType === 'stream' ? -1 : Math.max(call.maxBytes, ERROR_BYTES),
      maxBodyLength: Infinity,
      timeout: call.lane === 'bulk' ? 0 : options.timeoutMs * factor, // axios bounds the whole way to the answer's head
      httpAgent,
      httpsAgent,
      signal,
    });
  };
  return {
    request,
    prefix,
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
};

const createGates = (): Readonly<Record<keyof typeof LANES, Gate>> => ({
  control: createGate(LANES.control),
  poll: createGate(LANES.poll),
  transfer: createGate(LANES.transfer),
  bulk: createGate(LANES.bulk),
  aside: createGate(LANES.aside),
  probe: createGate(LANES.probe),
});

const tooLarge = (where: string, call: Call): MagnetarError => {
  const what = `the answer to "${call.what}" is larger than ${String(call.maxBytes)} bytes`;
  return new MagnetarError('PULSAR_REFUSED', `${where}: ${what}`);
};

/** An answer other than 200, as a kind or, where no caller could do anything about it, thrown. */
const refusalOf = (where: string, call: Call, status: number): Refusal => {
  const failure = refused(where, call.what, status);
  if (failure.code !== 'PULSAR_REFUSED') throw failure;
  return { kind: 'error', status };
};

/** axios limits the time to the head of an answer only. */
const withLimit = async <Result>(
  ms: number,
  onLate: () => void,
  work: () => Promise<Result>,
): Promise<Result> => {
  const timer = setTimeout(onLate, ms);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
};

const handOnAll = async (
  where: string,
  call: Call,
  body: Readable,
  { take, silence }: { readonly take: Take; readonly silence?: Silence },
): Promise<{ readonly kind: 'ok' }> => {
  await handOn(body, take, {
    ...(silence === undefined ? {} : { silence }),
    maxBytes: call.maxBytes,
    tooLarge: () => tooLarge(where, call),
    brokenOff: () => brokenOff(where),
  });
  return { kind: 'ok' };
};

const answerTo = (where: string, call: Call, answer: AxiosResponse<Buffer>): Answer => {
  const { status, data } = answer;
  if (status !== 200) return refusalOf(where, call, status);
  if (data.length > call.maxBytes) throw tooLarge(where, call);
  return { kind: 'ok', body: data };
};

const bodyOf = (where: string, call: Call, answer: Answer): Buffer => {
  if (answer.kind === 'ok') return answer.body;
  if (answer.kind === 'hang-up') throw hungUp(where, call.what);
  throw refused(where, call.what, answer.status);
};

interface CallRules {
  /** For messages. */
  readonly where: () => string;
  /** Ends all calls. */
  readonly closed: AbortSignal;
  readonly longMs: number;
}

/** Every call passes one of the two. */
const createPasses = ({ where, closed, longMs }: CallRules) => {
  const gates = createGates();

  /** Runs the call in its lane and translates what goes wrong. */
  const guarded = <Result>(
    call: Call,
    work: (signal: AbortSignal, abort: (reason: unknown) => void) => Promise<Result>,
  ): Promise<Result | Refusal> =>
    withLinked([call.signal, closed], async (signal, abort) => {
      try {
        return await gates[call.lane].run(() => work(signal, abort), signal);
      } catch (error) {
        if (signal.aborted) throw abortReason(signal);
        if (error instanceof ReceiverFailure) throw error.cause;
        if (error instanceof MagnetarError) throw error;
        if (isHangUp(error)) return { kind: 'hang-up' };
        if (isTooLarge(error)) throw tooLarge(where(), call);
        throw unreachable(where(), error);
      }
    });

  /** Bounds in time what may take long: in all, or, of bulk, how long Pulsar is silent. */
  const timed = <Result>(
    call: Call,
    work: (signal: AbortSignal, silence?: Silence) => Promise<Result>,
  ): Promise<Result | Refusal> =>
    guarded(call, (signal, abort) => {
      const late = (): void => {
        abort(tooLate(where()));
      };
      return call.lane === 'bulk'
        ? withSilence(longMs, late, (silence) => work(signal, silence))
        : withLimit(longMs, late, () => work(signal));
    });

  return { guarded, timed };
};

export const createPulsarClient = (options: ClientOptions): PulsarClient => {
  const exchange = createExchange(options);
  const closed = new AbortController();
  const where = (): string => `Pulsar at ${options.endpoint().url}${exchange.prefix}`;
  const { guarded, timed } = createPasses({
    where,
    closed: closed.signal,
    longMs: options.timeoutMs * TRANSFER_FACTOR,
  });

  const ask = (call: Call): Promise<Answer> =>
    guarded<Answer>(call, async (signal) =>
      answerTo(where(), call, await exchange.request<Buffer>(call, 'arraybuffer', signal)),
    );

  const receive: PulsarClient['receive'] = (call, take) =>
    timed<Received>(call, async (signal, silence) => {
      silence?.wait();
      const answer = await exchange.request<Readable>(call, 'stream', signal);
      if (answer.status === 200) {
        const receiver = silence === undefined ? { take } : { take, silence };
        return handOnAll(where(), call, answer.data, receiver);
      }
      answer.data.destroy();
      return refusalOf(where(), call, answer.status);
    });

  const give: PulsarClient['give'] = async (call, open) => {
    const answer = await timed<Answer>(call, (signal, silence) =>
      sending(open, silence, async ({ body, size }) => {
        const whole = { ...call, body, ...(size === undefined ? {} : { size }) };
        const given = await exchange.request<Buffer>(whole, 'arraybuffer', signal);
        return answerTo(where(), call, given);
      }),
    );
    bodyOf(where(), call, answer);
  };

  return {
    where,
    ask,
    receive,
    give,
    send: async (call) => bodyOf(where(), call, await ask(call)),
    close() {
      closed.abort(new MagnetarError('ABORTED', 'the transport is closed'));
      exchange.close();
    },
  };
};
