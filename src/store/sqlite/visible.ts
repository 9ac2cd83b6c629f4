/** Whether one task is in a scope: its owner's, or shared in a group. */
import type { Scope } from '../../tasks/ports/task-store.ts';
import type { SqlValue } from './driver.ts';
import { groupEntry } from './entries.ts';

const OWNED = ' AND t.owner = ?';
const OWNED_OR_SHARED = ` AND (t.owner = ? OR EXISTS (
  SELECT 1 FROM entries x WHERE x.entry IN (SELECT value FROM json_each(?)) AND x.id = t.id))`;

/** To be put after the conditions of a query of `tasks t`. */
export const scopeCondition = (
  scope: Scope,
): { readonly sql: string; readonly values: readonly SqlValue[] } => {
  if (scope === 'all') return { sql: '', values: [] };
  const { owner, groups = [] } = scope;
  return groups.length === 0
    ? { sql: OWNED, values: [owner] }
    : { sql: OWNED_OR_SHARED, values: [owner, JSON.stringify(groups.map(groupEntry))] };
};
