/** What of an FTP URL is known without asking its host. */
import { MagnetarError } from '../../kernel/errors.ts';
import type { Entry, GrantRules } from '../../tasks/grants.ts';
import type { UrlRules } from '../../tasks/ports/url-rules.ts';
import { entryFor } from '../connect/host-entries.ts';
import { assertMayUse, parseWithHost, type HostRule } from '../connect/host-rules.ts';
import { isAnonymous, placeOf, type FtpHost, type Place } from './places.ts';

export interface FtpRulesOptions {
  /** Hosts, addresses or CIDR ranges that may be used although private or local. */
  readonly allow: readonly string[];
  readonly hosts: readonly (FtpHost & Entry)[];
  readonly grants: GrantRules;
}

/** What is wrong with a place is the client's slip while nothing has been asked of it. */
const read = (url: string, hosts: readonly FtpHost[]): Place => {
  try {
    return placeOf(url, hosts);
  } catch (error) {
    throw new MagnetarError('BAD_TASK', error instanceof Error ? error.message : '', {
      cause: error,
    });
  }
};

export const createFtpRules = ({ allow, hosts, grants }: FtpRulesOptions): UrlRules => {
  const rule: HostRule = { scheme: 'ftp(s)', section: 'storage.ftp', allow };
  return {
    judge(url, { caller }) {
      const parsed = parseWithHost(url, rule);
      const host = parsed.username === '' ? entryFor(parsed, hosts) : undefined;
      if (host !== undefined) assertMayUse(url, host, { rules: grants, caller });
      return { needsSecret: !isAnonymous(read(url, hosts)), upload: 'put' };
    },
  };
};
