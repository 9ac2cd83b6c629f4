/** One bounded request to a configured issuer: no redirect, little time, little memory. */
import { isRecord, type JsonRecord } from '../../kernel/json.ts';

const LIMIT_MS = 5000;
const MOST_BYTES = 1024 * 1024;

export interface JsonAnswer {
  readonly status: number;
  readonly body: JsonRecord;
}

const readBounded = async (response: Response): Promise<string> => {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const piece of body ?? []) {
    bytes += piece.length;
    if (bytes > MOST_BYTES) throw new Error('the answer is too long');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
};

export interface JsonRequest {
  readonly authorization?: string;
  /** A form to post; absent = GET. */
  readonly form?: Readonly<Record<string, string>>;
}

const request = (url: string, { authorization, form }: JsonRequest): Promise<Response> =>
  fetch(url, {
    redirect: 'error',
    signal: AbortSignal.timeout(LIMIT_MS),
    headers: {
      accept: 'application/json',
      ...(authorization === undefined ? {} : { authorization }),
    },
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  });

/** Answers the status: some endpoints say nothing else. Rejects when nothing answers in time. */
export const postForm = async (
  url: string,
  form: Readonly<Record<string, string>>,
): Promise<number> => {
  const response = await request(url, { form });
  await response.body?.cancel();
  return response.status;
};

/** Rejects when nothing answers in time, or no JSON object. */
export const fetchJson = async (url: string, asked: JsonRequest = {}): Promise<JsonAnswer> => {
  const response = await request(url, asked);
  const body: unknown = JSON.parse(await readBounded(response));
  if (!isRecord(body)) throw new Error('the answer is no JSON object');
  return { status: response.status, body };
};
