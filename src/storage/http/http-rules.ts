/** What of an HTTP URL is known without asking its host. */
import type { Entry, GrantRules } from '../../tasks/grants.ts';
import type { UrlRules } from '../../tasks/ports/url-rules.ts';
import { entryFor } from '../connect/host-entries.ts';
import { assertMayUse, parseWithHost, type HostRule } from '../connect/host-rules.ts';
import { targetOf, type HttpHost } from './hosts.ts';

export interface HttpRulesOptions {
  /** Hosts, addresses or CIDR ranges that may be used although private or local. */
  readonly allow: readonly string[];
  readonly hosts: readonly (HttpHost & Entry)[];
  readonly grants: GrantRules;
}

export const createHttpRules = ({ allow, hosts, grants }: HttpRulesOptions): UrlRules => {
  const rule: HostRule = { scheme: 'http(s)', section: 'storage.http', allow };
  return {
    judge(url, { caller }) {
      const host = entryFor(parseWithHost(url, rule), hosts);
      const { authorization, upload, userInfo } = targetOf(url, hosts);
      const isConfigured = authorization !== undefined && userInfo === '';
      if (host !== undefined && isConfigured) assertMayUse(url, host, { rules: grants, caller });
      return { needsSecret: authorization !== undefined, upload };
    },
  };
};
