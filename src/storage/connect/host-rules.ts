/** Which hosts the URLs of tasks may name. Names are judged again when they have been resolved. */
import { MagnetarError } from '../../kernel/errors.ts';
import { isAllowedHost, isSpecialHost } from '../../tasks/addresses.ts';
import { mayUse, type Caller, type Entry, type GrantRules } from '../../tasks/grants.ts';
import { redactUrl } from '../../tasks/urls.ts';

export interface HostRule {
  /** Of the schemes, such as `ftp(s)`, for messages. */
  readonly scheme: string;
  /** Table of the configuration that holds `allow`. */
  readonly section: string;
  readonly allow: readonly string[];
}

/** Who wants to use an entry of the configuration, and what decides. */
interface EntryUse {
  readonly rules: GrantRules;
  readonly caller: Caller;
}

/** Characters that programs read differently in a URL: one would see another host than the other. */
const AMBIGUOUS = /[\\\s]|\p{Cc}/u;

/** A host must follow at once: lenient readers take `http:///user:pw@host` for a URL of that host. */
const FORM = /^[a-z]+:\/\/[^/?#]/i;

/** `URL` puts hosts in their usual form for the schemes that it knows: others are read as one of those. */
const parse = (url: string): URL | undefined => {
  const known = url.replace(/^ftps:/i, 'ftp:');
  return AMBIGUOUS.test(url) || !FORM.test(url) || !URL.canParse(known)
    ? undefined
    : new URL(known);
};

/** @throws MagnetarError STORAGE_REFUSED */
export const assertHost = (host: string, { section, allow }: HostRule): void => {
  if (!isSpecialHost(host) || isAllowedHost(host, allow)) return;
  throw new MagnetarError(
    'STORAGE_REFUSED',
    `${host} is a private or local address; to allow it, add allow = ["${host}"] to [${section}]`,
  );
};

/** @throws MagnetarError STORAGE_REFUSED */
export const assertMayUse = (url: string, entry: Entry, { rules, caller }: EntryUse): void => {
  if (mayUse(rules, entry, caller)) return;
  throw new MagnetarError(
    'STORAGE_REFUSED',
    `${redactUrl(url)} is open to others only ("allow" of its entry in the configuration)`,
  );
};

/** The URL as it is understood. @throws MagnetarError BAD_TASK, STORAGE_REFUSED */
export const parseWithHost = (url: string, rule: HostRule): URL => {
  const parsed = parse(url);
  if (parsed === undefined || parsed.hostname === '') {
    throw new MagnetarError(
      'BAD_TASK',
      `is not a valid URL: expected ${rule.scheme}://host[:port]/path`,
    );
  }
  assertHost(parsed.hostname, rule);
  return parsed;
};
