/** Where a server keeps its API, and what lies below its prefix. */
import { isRecord } from '../kernel/json.ts';
import type { Http } from './http.ts';

const PREFIX = /(\/ga4gh\/tes)?\/v1$/;

/** The URL without the prefix of TES. */
export const rootOf = (base: string): string => base.replace(PREFIX, '');

const PROBES = ['/service-info', '/tasks?page_size=1'];

/** The first candidate that answers JSON, or asks for credentials; undefined = none. */
export const findBase = async (
  candidates: readonly string[],
  authorization: string | undefined,
  { http, signal }: { readonly http: Http; readonly signal: AbortSignal },
): Promise<string | undefined> => {
  const headers = authorization === undefined ? {} : { authorization };
  for (const base of candidates) {
    for (const probe of PROBES) {
      const { status, json } = await http({ method: 'GET', url: base + probe, headers }, signal);
      if ([401, 403].includes(status) || (status === 200 && isRecord(json))) return base;
    }
  }
  return undefined;
};
