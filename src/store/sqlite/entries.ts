/** Search entries in the index: each key once for everybody, and once more for the owner of the task. */
import { NO_OWNER, type OwnerId } from '../../tasks/ids.ts';
import type { Scope } from '../../tasks/ports/task-store.ts';

/** The length of the owner comes first, so that no owner and key can be read as others. */
const entryOf = (owner: OwnerId, key: string): string =>
  owner === NO_OWNER ? `:${key}` : `${String(owner.length)}:${owner}:${key}`;

/** The entries of a task: without access control there is nobody but everybody. */
export const entriesOf = (owner: OwnerId, keys: readonly string[]): readonly string[] =>
  [...new Set([NO_OWNER, owner])].flatMap((each) => keys.map((key) => entryOf(each, key)));

export const entryIn = (scope: Scope, key: string): string =>
  entryOf(scope === 'all' ? NO_OWNER : scope.owner, key);
