/** Search entries in the index: each key once for everybody and once more for the owner of the task; and each group that shares it. */
import { NO_OWNER, type OwnerId } from '../../tasks/ids.ts';

/** The length of the owner comes first, so that no owner and key can be read as others. */
const entryOf = (owner: OwnerId, key: string): string =>
  owner === NO_OWNER ? `:${key}` : `${String(owner.length)}:${owner}:${key}`;

/** Begins like no other entry. */
export const groupEntry = (group: string): string => `g:${group}`;

interface Entered {
  readonly owner: OwnerId;
  readonly groups: readonly string[];
  readonly keys: readonly string[];
}

/** The entries of a task: without access control there is nobody but everybody. */
export const entriesOf = ({ owner, groups, keys }: Entered): readonly string[] => [
  ...[...new Set([NO_OWNER, owner])].flatMap((each) => keys.map((key) => entryOf(each, key))),
  ...groups.map(groupEntry),
];

/** @param owner whose tasks are looked for; NO_OWNER = everybody's */
export const entryIn = entryOf;
