/** One HTTP request to a storage: connects to judged addresses only, follows redirects hop by hop, and bounds the time to the head of the answer. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import axios, { type AxiosResponse } from 'axios';
import type { MagnetarError } from '../../kernel/errors.ts';
import { withLinked } from '../../kernel/link-abort.ts';
import type { AddressGuard } from '../connect/address-guard.ts';
import {
  abortReason,
  connectionFailure,
  denied,
  failed,
  missing,
  refused,
  unavailable,
} from '../connect/failures.ts';
import type { Target } from './hosts.ts';

export interface Ask {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** Cannot be sent twice: a redirect of it is an error. */
  readonly body?: Readable;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** Of an answer's header, by its lower-case name. */
  header(name: string): string | undefined;
  /** Must be read or destroyed. */
  readonly body: Readable;
  /** Where the answer came from in the end. */
  readonly url: URL;
}

export interface Exchange {
  ask(target: Target, ask: Ask): Promise<HttpAnswer>;
  close(): void;
}

export interface ExchangeOptions {
  readonly guard: AddressGuard;
  /** Longest time to the head of an answer. */
  readonly answerMs: number;
  /** Certificates of authorities to trust instead of the public ones, in PEM. */
  readonly ca?: string;
}

const MOST_REDIRECTS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Servers close idle connections after some seconds; ours must go first. */
const IDLE_MS = 3000;
const IDLE_CONNECTIONS = 16;

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;

/** Where a redirect leads. Its own user and password are left away: nobody configured them. */
const nextUrl = (url: URL, location: string | undefined): URL => {
  const shown = url.href;
  if (location === undefined || !URL.canParse(location, url.href)) {
    throw failed(shown, 'redirects to no valid URL');
  }
  const next = new URL(location, url);
  if (next.protocol !== 'http:' && next.protocol !== 'https:') {
    throw refused(shown, 'redirects to a URL that is not http(s)');
  }
  if (url.protocol === 'https:' && next.protocol === 'http:') {
    throw refused(shown, 'redirects from https to http');
  }
  next.username = '';
  next.password = '';
  return next;
};

type Send = (url: URL, ask: Ask, signal: AbortSignal) => Promise<AxiosResponse<Readable>>;

const createSend =
  (agents: { readonly httpAgent: HttpAgent; readonly httpsAgent: HttpsAgent }): Send =>
  (url, { method, headers, body }, signal) =>
    axios.request<Readable>({
      method,
      url: url.href,
      data: body,
      headers: {
        'user-agent': 'magnetar',
        accept: '*/*',
        'accept-encoding': 'identity',
        'content-type': body === undefined ? false : 'application/octet-stream',
        ...headers,
      },
      responseType: 'stream',
      validateStatus: () => true,
      maxRedirects: 0,
      proxy: false,
      decompress: false, // bytes are moved as they are stored
      maxContentLength: -1, // any other bound, Infinity too, wraps the body in a stream that cannot be closed before it is read
      maxBodyLength: -1,
      ...agents,
      signal,
    });

/** Calls `onLate` when no answer has begun in time, counted from the end of what is sent. */
const watchAnswer = (body: Readable | undefined, ms: number, onLate: () => void): (() => void) => {
  let timer: NodeJS.Timeout | undefined;
  const start = (): void => {
    timer = setTimeout(onLate, ms);
  };
  if (body === undefined) start();
  else body.once('end', start);
  return () => {
    clearTimeout(timer);
    body?.off('end', start);
  };
};

export const createExchange = ({ guard, answerMs, ca }: ExchangeOptions): Exchange => {
  const agentOptions = {
    keepAlive: true,
    timeout: IDLE_MS,
    maxFreeSockets: IDLE_CONNECTIONS,
    lookup: guard.lookup,
  };
  const httpAgent = new HttpAgent(agentOptions);
  const httpsAgent = new HttpsAgent({ ...agentOptions, ...(ca === undefined ? {} : { ca }) });
  const send = createSend({ httpAgent, httpsAgent });

  /** One hop. */
  const sendOnce = (url: URL, ask: Ask): Promise<AxiosResponse<Readable>> =>
    withLinked([ask.signal], async (signal, abort) => {
      if (signal.aborted) throw abortReason(signal);
      guard.assertHost(url.hostname);
      const unwatch = watchAnswer(ask.body, answerMs, () => {
        abort(unavailable(url.href, `does not answer within ${String(answerMs / 1000)} s`));
      });
      try {
        return await send(url, ask, signal);
      } catch (error) {
        if (signal.reason !== undefined) throw abortReason(signal);
        const own = ask.body?.errored ?? undefined;
        if (own !== undefined) throw own;
        throw connectionFailure(url.href, error);
      } finally {
        unwatch();
      }
    });

  return {
    async ask(target, ask) {
      let { url, authorization } = target;
      for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
        const own = authorization === undefined ? {} : { authorization };
        const answer = await sendOnce(url, { ...ask, headers: { ...ask.headers, ...own } });
        const header = (name: string): string | undefined => textOf(answer.headers[name]);
        if (!REDIRECTS.has(answer.status)) {
          return { status: answer.status, header, body: answer.data, url };
        }
        answer.data.destroy();
        if (ask.body !== undefined) throw failed(url.href, 'redirects what is to be stored');
        const next = nextUrl(url, header('location'));
        if (next.host !== url.host) authorization = undefined; // and it does not come back
        url = next;
      }
      throw failed(target.url.href, `redirects more than ${String(MOST_REDIRECTS)} times`);
    },
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
};

/** What an answer that is no success means. Its body may hold anything and is not kept. */
const statusFailure = (url: string, { status, header }: HttpAnswer): MagnetarError => {
  const shown = `answers HTTP ${String(status)}`;
  if (status === 404 || status === 410) return missing(url);
  if (status === 401 || status === 403 || status === 407) return denied(url, shown);
  const isPassing =
    [408, 425, 429].includes(status) || (status >= 500 && ![501, 505].includes(status));
  if (!isPassing) return failed(url, shown);
  const after = header('retry-after');
  const isUsable = after !== undefined && /^[\w ,:+-]{1,40}$/.test(after);
  return unavailable(url, shown, isUsable ? { 'retry-after': after } : {});
};

/** The answer when it is a success. */
export const succeeded = (url: string, answer: HttpAnswer): HttpAnswer => {
  if (answer.status >= 200 && answer.status < 300) return answer;
  answer.body.destroy();
  throw statusFailure(url, answer);
};
