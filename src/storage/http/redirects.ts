/** Where a redirect leads, and what may go there. Pure. */
import { failed, refused } from '../connect/failures.ts';

export interface Hop {
  readonly url: URL;
  readonly authorization?: string | undefined;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export const isRedirect = (status: number): boolean => REDIRECTS.has(status);

/** User and password that a redirect names are left away: nobody configured them. */
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

/**
 * Credentials stay with their host and port, and do not come back once they have been left. Those that are configured for the new
 * host are not used: whoever may redirect would read with them.
 */
export const nextHop = ({ url, authorization }: Hop, location: string | undefined): Hop => {
  const next = nextUrl(url, location);
  return next.host === url.host ? { url: next, authorization } : { url: next };
};
