/** An S3 service as the configuration names it, and whether a bucket is one of its. */

export interface S3Endpoint {
  readonly name: string;
  /** `http(s)://host[:port]`; empty = AWS, by region and bucket. */
  readonly endpoint: string;
  readonly region: string;
  /** Buckets are in the path (most own servers) and not in the host name (AWS). */
  readonly path_style: boolean;
  /** Names, or `bucket/prefix` of keys; `*`, `{user}` and `{group}` stand for any characters; none = all buckets. */
  readonly buckets: readonly string[];
  /** Empty = as `credentials` says. */
  readonly access_key: string;
  readonly secret_key: string;
  /** Without keys: `default` = what the SDK finds in the environment and the standard files; `none` = unsigned requests. */
  readonly credentials: 'default' | 'none';
}

/** Piece by piece from the left, so that no pattern makes it slow. */
const fits = (name: string, pattern: string): boolean => {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
};

/** Whether a pattern such as `lab-*` or `home/alice/*` means this key; the folder of a prefix is meant as well. */
export const holds = (pattern: string, bucket: string, key: string): boolean => {
  const slash = pattern.indexOf('/');
  if (slash === -1) return fits(bucket, pattern);
  const keys = pattern.slice(slash + 1);
  return fits(bucket, pattern.slice(0, slash)) && (fits(key, keys) || fits(`${key}/`, keys));
};

/** Whoever asks: who may use it is judged before. */
export const hasKey = ({ buckets }: S3Endpoint, bucket: string, key: string): boolean =>
  buckets.length === 0 ||
  buckets.some((pattern) => holds(pattern.replace(/\{(user|group)\}/g, '*'), bucket, key));
