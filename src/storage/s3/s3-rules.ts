/** What of an S3 URL is known without asking its service. */
import { MagnetarError, isMagnetarError } from '../../kernel/errors.ts';
import { fillIn, type Entry, type GrantRules } from '../../tasks/grants.ts';
import type { UrlRules, UrlUse } from '../../tasks/ports/url-rules.ts';
import { refused } from '../connect/failures.ts';
import { assertHost, assertMayUse, type HostRule } from '../connect/host-rules.ts';
import { holds, type S3Endpoint } from './endpoint.ts';
import { placeOf, type Place } from './place.ts';

export interface S3Service extends S3Endpoint, Entry {
  readonly mode: 'ro' | 'wo' | 'rw';
}

export interface S3RulesOptions {
  readonly endpoints: readonly S3Service[];
  /** Hosts, addresses or CIDR ranges that a client's URL may lead to although private or local. */
  readonly allow: readonly string[];
  readonly grants: GrantRules;
}

/** What is wrong with a URL is the client's slip while nothing has been asked of it. */
const read = (url: string, rules: S3RulesOptions): Place => {
  try {
    return placeOf(url, rules);
  } catch (error) {
    if (!isMagnetarError(error) || error.code === 'STORAGE_REFUSED') throw error;
    throw new MagnetarError('BAD_TASK', error.message, { cause: error });
  }
};

/** Patterns that name whoever uses them are filled in; the others fit already. */
const isMeant = ({ buckets }: S3Endpoint, { bucket, key }: Place, { caller }: UrlUse): boolean =>
  buckets.length === 0 ||
  buckets.flatMap((pattern) => fillIn(pattern, caller)).some((one) => holds(one, bucket, key));

const WRONG_MODE = { read: 'wo', write: 'ro' } as const;

const assertService = (url: string, place: Place, service: S3Service, use: UrlUse): void => {
  if (service.mode === WRONG_MODE[use.use]) {
    throw refused(url, `the S3 service ${service.name} is not open to ${use.use}`);
  }
  if (!isMeant(service, place, use)) throw refused(url, 'belongs to another user or group');
};

export const createS3Rules = (options: S3RulesOptions): UrlRules => {
  const rule: HostRule = { scheme: 's3', section: 'storage.http', allow: options.allow };
  return {
    judge(url, use) {
      const place = read(url, options);
      if (place.foreignHost !== undefined) assertHost(place.foreignHost, rule);
      const service = options.endpoints.find((one) => one === place.endpoint);
      if (service !== undefined) {
        assertMayUse(url, service, { rules: options.grants, caller: use.caller });
        assertService(url, place, service, use);
      }
      const { access_key, credentials } = place.endpoint;
      return { needsSecret: access_key !== '' || credentials !== 'none', upload: 'put' };
    },
  };
};
