/** One HTTP request to a storage: connects to judged addresses only, follows redirects hop by hop, and bounds the time to the head of the answer. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import axios, { type AxiosResponse } from 'axios';
import { withLinked } from '../../kernel/link-abort.ts';
import { redactUrl } from '../../tasks/urls.ts';
import type { AddressGuard } from '../connect/address-guard.ts';
import { abortReason, connectionFailure, failed, unavailable } from '../connect/failures.ts';
import type { Target } from './hosts.ts';
import { isRedirect, nextHop, type Hop } from './redirects.ts';

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
/** Servers close idle connections after some seconds; ours must go first. */
const IDLE_MS = 3000;
const IDLE_CONNECTIONS = 16;

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;

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
      let { url, authorization }: Hop = target;
      for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
        const own = authorization === undefined ? {} : { authorization };
        const answer = await sendOnce(url, { ...ask, headers: { ...ask.headers, ...own } });
        const header = (name: string): string | undefined => textOf(answer.headers[name]);
        if (!isRedirect(answer.status)) {
          return { status: answer.status, header, body: answer.data, url };
        }
        answer.data.destroy();
        const next = nextHop({ url, ...own }, header('location'));
        if (ask.body !== undefined) {
          throw failed(url.href, `redirects what is to be stored to ${redactUrl(next.url.href)}`);
        }
        ({ url, authorization } = next);
      }
      throw failed(target.url.href, `redirects more than ${String(MOST_REDIRECTS)} times`);
    },
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
};
