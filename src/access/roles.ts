/** From identities to principals: who sees everything, and which groups share. */
import { parseOwnerId } from '../tasks/ids.ts';
import type { Principal } from '../tasks/principal.ts';
import type { Identity } from './identity.ts';

export interface RoleRules {
  /** Keys of identities, or `group:NAME`. */
  readonly admins: readonly string[];
  readonly viewers: readonly string[];
  /** Groups whose members share their tasks; `*` = every group. */
  readonly sharedGroups: readonly string[];
}

const ANY_GROUP = '*';
/** Each costs every task of its members one index entry, and their lists one look-up. */
const MOST_GROUPS = 32;
/** It becomes part of an index entry. */
const MOST_CHARS = 200;

export const createRoles = ({ admins, viewers, sharedGroups }: RoleRules) => {
  const shared = new Set(sharedGroups);
  const isNamed = (list: ReadonlySet<string>, { key, groups }: Identity): boolean =>
    list.has(key) || groups.some((group) => list.has(`group:${group}`));
  const [adminSet, viewerSet] = [new Set(admins), new Set(viewers)];

  const principalOf = (identity: Identity): Principal => {
    const owner = parseOwnerId(identity.key);
    const memberOf = [...new Set(identity.groups)];
    const groups = memberOf
      .filter((group) => shared.has(ANY_GROUP) || shared.has(group))
      .filter(({ length }) => length <= MOST_CHARS)
      .sort()
      .slice(0, MOST_GROUPS);
    const common = { owner, memberOf, groups };
    if (isNamed(adminSet, identity)) return { ...common, scope: 'all', readOnly: false };
    if (isNamed(viewerSet, identity)) return { ...common, scope: 'all', readOnly: true };
    return { ...common, scope: { owner, groups }, readOnly: false };
  };

  const known = new WeakMap<Identity, Principal>(); // identities are kept where they are known from
  return (identity: Identity): Principal => {
    const found = known.get(identity);
    if (found !== undefined) return found;
    const principal = principalOf(identity);
    known.set(identity, principal);
    return principal;
  };
};
