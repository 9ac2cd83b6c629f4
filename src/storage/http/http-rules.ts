/** What of an HTTP URL is known without asking its host. */
import type { UrlRules } from '../../tasks/ports/url-rules.ts';
import { parseWithHost, type HostRule } from '../connect/host-rules.ts';
import { targetOf, type HttpHost } from './hosts.ts';

export interface HttpRulesOptions {
  /** Hosts, addresses or CIDR ranges that may be used although private or local. */
  readonly allow: readonly string[];
  readonly hosts: readonly HttpHost[];
}

export const createHttpRules = ({ allow, hosts }: HttpRulesOptions): UrlRules => {
  const rule: HostRule = { scheme: 'http(s)', section: 'storage.http', allow };
  return {
    judge(url) {
      parseWithHost(url, rule);
      const { authorization, upload } = targetOf(url, hosts);
      return { needsSecret: authorization !== undefined, upload };
    },
  };
};
