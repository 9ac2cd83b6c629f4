/** Clients of the AWS SDK, which is loaded when the first S3 URL is used. The connections are shared; secrets are in the requests only. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type * as S3Sdk from '@aws-sdk/client-s3';
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import type { AddressGuard } from '../connect/address-guard.ts';
import type { S3Endpoint } from './endpoint.ts';
import type { Place } from './place.ts';

type Sdk = typeof S3Sdk;

export interface Service {
  readonly sdk: Sdk;
  /** For all but bodies that are read: a silent connection ends. */
  readonly calls: S3Client;
  /** For reading bodies, which may be taken slowly: whoever reads watches the service himself. */
  readonly reads: S3Client;
}

export interface Clients {
  /** @throws MagnetarError STORAGE_REFUSED */
  at(place: Place): Promise<Service>;
  close(): void;
}

interface Agents {
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
}

const createAgents = (guard?: AddressGuard): Agents => {
  const options = { keepAlive: true, ...(guard === undefined ? {} : { lookup: guard.lookup }) };
  return { httpAgent: new HttpAgent(options), httpsAgent: new HttpsAgent(options) };
};

/** Unsigned requests: what signing would have added is left out. */
const ANONYMOUS: S3ClientConfig = {
  credentials: { accessKeyId: 'anonymous', secretAccessKey: 'anonymous' },
  signer: { sign: (request) => Promise.resolve(request) },
};

export const isAnonymous = ({ access_key, credentials }: S3Endpoint): boolean =>
  access_key === '' && credentials === 'none';

const credentialsOf = (endpoint: S3Endpoint): S3ClientConfig => {
  if (isAnonymous(endpoint)) return ANONYMOUS;
  const { access_key, secret_key } = endpoint;
  return access_key === ''
    ? {}
    : { credentials: { accessKeyId: access_key, secretAccessKey: secret_key } };
};

const QUIET = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const configOf = (endpoint: S3Endpoint): S3ClientConfig => ({
  ...credentialsOf(endpoint),
  ...(endpoint.endpoint === '' ? {} : { endpoint: endpoint.endpoint }),
  region: endpoint.region,
  forcePathStyle: endpoint.path_style,
  maxAttempts: 1,
  logger: QUIET, // it would write to the console
  followRegionRedirects: false,
  // Bodies are signed with their SHA-256, which all services check; not all know the SDK's own checksums.
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_SUPPORTED',
});

const createService = (
  sdk: Sdk,
  endpoint: S3Endpoint,
  agents: Agents,
  stallMs: number,
): Service => {
  const client = (bounds: Readonly<Record<string, unknown>>): S3Client =>
    new sdk.S3Client({
      ...configOf(endpoint),
      requestHandler: { ...agents, connectionTimeout: stallMs, ...bounds },
    });
  return {
    sdk,
    calls: client({ socketTimeout: stallMs }),
    reads: client({}),
  };
};

export const createClients = (guard: AddressGuard, stallMs: number): Clients => {
  const trusted = createAgents();
  const judged = createAgents(guard);
  const configured = new Map<S3Endpoint, Service>();
  return {
    async at({ endpoint, foreignHost }) {
      if (foreignHost !== undefined) guard.assertHost(foreignHost);
      const sdk = await import('@aws-sdk/client-s3');
      if (foreignHost !== undefined) return createService(sdk, endpoint, judged, stallMs);
      const known = configured.get(endpoint) ?? createService(sdk, endpoint, trusted, stallMs);
      configured.set(endpoint, known);
      return known;
    },
    close() {
      for (const { httpAgent, httpsAgent } of [trusted, judged]) {
        httpAgent.destroy();
        httpsAgent.destroy();
      }
    },
  };
};
