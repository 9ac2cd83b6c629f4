/** What the configuration says of HTTP hosts, and which credentials a request may carry: a host's own, and only to it. */
import { decoded } from '../connect/decoded.ts';
import { failed } from '../connect/failures.ts';
import { entryFor } from '../connect/host-entries.ts';

export interface HttpHost {
  /** `data.example`, or `data.example:8080` for one port of it. */
  readonly host: string;
  readonly user?: string;
  readonly password?: string;
  /** Bearer token; goes before user and password. */
  readonly token?: string;
  /** How files are stored; absent = `put`. */
  readonly upload?: 'put' | 'post';
}

/** A URL as it is asked for: what may be shown and sent, and the credentials that go with it. */
export interface Target {
  readonly url: URL;
  readonly authorization?: string;
  readonly upload: 'put' | 'post';
  /** User and password that the URL itself brought, as it wrote them: `user:password@`, or nothing. */
  readonly userInfo: string;
}

export const isFolderUrl = (url: URL): boolean => url.pathname.endsWith('/');

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;

const authorizationOf = (url: URL, rule: HttpHost | undefined): string | undefined => {
  if (url.username !== '' || url.password !== '') {
    return basic(decoded(url.username), decoded(url.password));
  }
  if (rule?.token !== undefined) return `Bearer ${rule.token}`;
  return rule?.user === undefined ? undefined : basic(rule.user, rule.password ?? '');
};

/** User and password of the URL go before those of the configuration. */
export const targetOf = (text: string, hosts: readonly HttpHost[]): Target => {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw failed(text, 'is not a valid URL');
  }
  const url = new URL(text);
  const rule = entryFor(url, hosts);
  const authorization = authorizationOf(url, rule);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  url.hash = '';
  return {
    url,
    userInfo: username === '' && password === '' ? '' : `${username}:${password}@`,
    upload: rule?.upload ?? 'put',
    ...(authorization === undefined ? {} : { authorization }),
  };
};

/** The URL as a caller would give it. */
export const urlOf = ({ url, userInfo }: Target): string =>
  `${url.protocol}//${userInfo}${url.href.slice(url.protocol.length + 2)}`;
