/** What of an S3 URL is known without asking its service. */
import { MagnetarError, isMagnetarError } from '../../kernel/errors.ts';
import type { UrlRules } from '../../tasks/ports/url-rules.ts';
import { assertHost, type HostRule } from '../connect/host-rules.ts';
import { placeOf, type Place, type PlaceRules } from './place.ts';

/** What is wrong with a URL is the client's slip while nothing has been asked of it. */
const read = (url: string, rules: PlaceRules): Place => {
  try {
    return placeOf(url, rules);
  } catch (error) {
    if (!isMagnetarError(error) || error.code === 'STORAGE_REFUSED') throw error;
    throw new MagnetarError('BAD_TASK', error.message, { cause: error });
  }
};

export const createS3Rules = (rules: PlaceRules): UrlRules => {
  const rule: HostRule = { scheme: 's3', section: 'storage.http', allow: rules.allow };
  return {
    judge(url) {
      const { endpoint, foreignHost } = read(url, rules);
      if (foreignHost !== undefined) assertHost(foreignHost, rule);
      const isOpen = endpoint.access_key === '' && endpoint.credentials === 'none';
      return { needsSecret: !isOpen, upload: 'put' };
    },
  };
};
