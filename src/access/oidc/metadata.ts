/** What an issuer says of itself (OpenID Connect Discovery 1.0, RFC 8414). */
import { isSecureUrl } from '../../tasks/addresses.ts';
import { fetchJson } from './fetch-json.ts';

const pathOf = (issuer: string): string =>
  `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;

/** Endpoints by their name in the document, such as `jwks_uri`. */
export interface Endpoint {
  (name: string): string;
  isNamed(name: string): boolean;
}

/**
 * Reads the document of an issuer that the configuration, or the user of the command line, names.
 * Rejects when it is not there or is of another issuer; so does an endpoint that it lacks, or that would travel in the clear.
 */
export const discover = async (issuer: string): Promise<Endpoint> => {
  const { status, body } = await fetchJson(pathOf(issuer));
  if (status !== 200) throw new Error(`the discovery document answers ${String(status)}`);
  if (body['issuer'] !== issuer) throw new Error('the discovery document is of another issuer');
  const endpoint = (name: string): string => {
    const url = body[name];
    if (typeof url === 'string' && isSecureUrl(url)) return url;
    throw new Error(`the issuer has no usable ${name}`);
  };
  return Object.assign(endpoint, { isNamed: (name: string) => name in body });
};
