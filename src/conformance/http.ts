/** One request, one answer: the only way in which the checks touch a server. Any status is an answer. */
import axios, { isAxiosError } from 'axios';

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly request: HttpRequest;
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Parsed body; undefined when it is no JSON. */
  readonly json: unknown;
}

export type Http = (request: HttpRequest, signal: AbortSignal) => Promise<Answer>;

/** The server did not answer. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  readonly request: HttpRequest;

  constructor(request: HttpRequest, reason: string) {
    super(`no answer: ${reason}`);
    this.request = request;
  }
}

const REQUEST_LIMIT_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

const reasonOf = (error: unknown): string => {
  if (isAxiosError(error)) return error.code ?? error.message;
  return error instanceof Error ? error.message : String(error);
};

const textOf = (value: unknown): string =>
  Array.isArray(value) ? value.join(', ') : typeof value === 'string' ? value : String(value);

/** Sends the headers and bytes as given: nothing is added, followed or retried. */
export const sendHttp: Http = async (request, signal) => {
  const limit = AbortSignal.timeout(REQUEST_LIMIT_MS);
  try {
    const response = await axios.request<string>({
      method: request.method,
      url: request.url,
      headers: { accept: 'application/json', 'content-type': false, ...request.headers },
      ...(request.body === undefined ? {} : { data: request.body }),
      transformRequest: (data: unknown) => data,
      transformResponse: (data: unknown) => data,
      responseType: 'text',
      validateStatus: () => true,
      maxRedirects: 0,
      maxContentLength: MAX_ANSWER_BYTES,
      maxBodyLength: Infinity,
      proxy: false,
      signal: AbortSignal.any([signal, limit]),
    });
    const headers = Object.entries(response.headers).map(([name, value]) => [
      name.toLowerCase(),
      textOf(value),
    ]);
    return {
      request,
      status: response.status,
      headers: Object.fromEntries(headers) as Record<string, string>,
      text: response.data,
      json: parsed(response.data),
    };
  } catch (error) {
    if (signal.aborted) throw error;
    const late = `none within ${String(REQUEST_LIMIT_MS / 1000)} s`;
    throw new NoAnswer(request, limit.aborted ? late : reasonOf(error));
  }
};
