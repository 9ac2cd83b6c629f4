/** Reads what a client sends as credentials. Pure: nothing is judged here. */

/** What a request carried. */
export interface Credentials {
  /** The Authorization header. */
  readonly authorization: string | undefined;
  /** From the configured header or query parameter. */
  readonly token: string | undefined;
}

export type Credential =
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable' };

const UNREADABLE: Credential = { kind: 'unreadable' };

/** RFC 9110, 11.4: one scheme, then its value. */
const SCHEME = /^([A-Za-z]+) +(\S+)$/;
/** RFC 6750, 2.1. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** RFC 7617: the first colon ends the user. */
const readBasic = (value: string): Credential => {
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1
    ? UNREADABLE
    : { kind: 'basic', user: text.slice(0, colon), password: text.slice(colon + 1) };
};

const readToken = (token: string): Credential =>
  TOKEN.test(token) ? { kind: 'bearer', token } : UNREADABLE;

/** A map, because a scheme may be called like what every object has. */
const READERS: ReadonlyMap<string, (value: string) => Credential> = new Map([
  ['basic', readBasic],
  ['bearer', readToken],
]);

/**
 * A token in its own place goes before Authorization: some clients send a placeholder there whatever they are told
 * (`None:None`), and Cromwell sends its token without a scheme.
 */
export const readCredential = ({ authorization, token }: Credentials): Credential => {
  if (token !== undefined) return readToken(token);
  if (authorization === undefined) return { kind: 'absent' };
  const [, scheme, value] = SCHEME.exec(authorization.trim()) ?? [];
  if (scheme === undefined || value === undefined) return readToken(authorization.trim());
  return READERS.get(scheme.toLowerCase())?.(value) ?? UNREADABLE;
};
