/** Reading `s3://` URLs: which service, which bucket, which key. No I/O. */
import { isAllowedHost } from '../../tasks/addresses.ts';
import { MagnetarError } from '../../kernel/errors.ts';
import { decoded } from '../connect/decoded.ts';
import { failed, refused } from '../connect/failures.ts';
import { hasKey, type S3Endpoint } from './endpoint.ts';

export interface Place {
  readonly endpoint: S3Endpoint;
  /** Host of a URL that brings its own keys: the address guard judges it, also where a configured service has it. */
  readonly foreignHost?: string;
  readonly bucket: string;
  /** Decoded; may be empty (the bucket) or end with a slash (a folder). */
  readonly key: string;
  /** The URL up to the key, as it was given: listed entries begin with it. */
  readonly base: string;
}

export interface PlaceRules {
  readonly endpoints: readonly S3Endpoint[];
  /** Hosts, addresses or CIDR ranges that a client's URL may lead to without TLS. */
  readonly allow: readonly string[];
}

interface Keys {
  readonly access_key: string;
  readonly secret_key: string;
}

/** Not shown: nobody knows where a secret ends in it. */
const malformed = (): MagnetarError =>
  new MagnetarError(
    'STORAGE_FAILED',
    'an s3 URL is neither s3://bucket/key nor s3://key:secret@host[:port]/bucket/key (a slash in the secret is written %2F)',
  );

const keysOf = (userInfo: string): Keys => {
  const [, access = '', secret = ''] = /^([^:]+):(.+)$/s.exec(userInfo) ?? [];
  if (access === '') throw malformed();
  return { access_key: decoded(access), secret_key: decoded(secret) };
};

/** Splits before the first slash. */
const cut = (text: string): readonly [string, string] => {
  const slash = text.indexOf('/');
  return slash === -1 ? [text, ''] : [text.slice(0, slash), text.slice(slash + 1)];
};

const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[^\s:/?#@[\]\\]+)(?::\d{1,5})?$/;

const serviceUrl = (scheme: 'http' | 'https', host: string): URL | undefined => {
  const text = `${scheme}://${host}`;
  return HOST.test(host) && URL.canParse(text) ? new URL(text) : undefined;
};

/** Whether the URL names the host of this endpoint, whichever port is the usual one there. */
const isHostOf = ({ endpoint }: S3Endpoint, host: string): boolean => {
  if (endpoint === '') return false;
  const own = new URL(endpoint);
  return serviceUrl(own.protocol === 'http:' ? 'http' : 'https', host)?.host === own.host;
};

/** In the clear only where the operator has allowed the host, or serves it so. */
const foreignService = (
  host: string,
  known: S3Endpoint | undefined,
  allow: readonly string[],
): URL => {
  const plain = serviceUrl('http', host);
  const secure = serviceUrl('https', host);
  if (plain === undefined || secure === undefined) throw malformed();
  if (known !== undefined) return known.endpoint.startsWith('https:') ? secure : plain;
  return isAllowedHost(plain.hostname, allow) ? plain : secure;
};

const withKeys = (host: string, keys: Keys, rules: PlaceRules): S3Endpoint => {
  const known = rules.endpoints.find((endpoint) => isHostOf(endpoint, host));
  return {
    ...keys,
    name: host,
    endpoint: foreignService(host, known, rules.allow).origin,
    region: known?.region ?? 'us-east-1',
    path_style: true,
    buckets: [],
    credentials: 'none',
  };
};

const endpointFor = (
  url: string,
  candidates: readonly S3Endpoint[],
  bucket: string,
  key: string,
): S3Endpoint => {
  const found = candidates.find((endpoint) => hasKey(endpoint, bucket, key));
  if (found !== undefined) return found;
  throw refused(url, 'no configured S3 service has this bucket; add it to [[storage.s3]]');
};

/** @throws MagnetarError STORAGE_REFUSED, STORAGE_FAILED */
export const placeOf = (url: string, rules: PlaceRules): Place => {
  const [, scheme = '', rest = ''] = /^(s3:\/\/)(.*)$/is.exec(url) ?? [];
  const [authority, path] = cut(rest);
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  const atHost = rules.endpoints.filter((endpoint) => isHostOf(endpoint, host));
  const hasHost = at !== -1 || atHost.length > 0 || host.includes(':');
  const [bucketText, keyText] = hasHost ? cut(path) : [authority, path];
  const bucket = decoded(bucketText);
  if (host === '' || (hasHost && !HOST.test(host)) || bucket.includes('/')) throw malformed();
  if (bucket === '') throw failed(url, 'the URL names no bucket');
  const key = decoded(keyText);
  if (key.split('/').includes('..')) throw failed(url, 'has a ".." in its key');
  const base = `${scheme}${hasHost ? `${authority}/` : ''}${bucketText}/`;
  if (at === -1) {
    const candidates = hasHost ? atHost : rules.endpoints;
    if (candidates.length === 0 && path.includes('@')) throw malformed();
    return { endpoint: endpointFor(url, candidates, bucket, key), bucket, key, base };
  }
  const endpoint = withKeys(host, keysOf(authority.slice(0, at)), rules);
  return { endpoint, foreignHost: new URL(endpoint.endpoint).hostname, bucket, key, base };
};

/** The URL of a key below a place's bucket. */
export const urlOf = ({ base }: Place, key: string): string =>
  base + key.split('/').map(encodeURIComponent).join('/');
