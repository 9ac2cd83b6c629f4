/**
 * Search entries in the index: each key once, for everybody, and each group that shares the task. A filter of one owner is
 * found among everybody's entries or among the owner's tasks, whichever are fewer: entries for each owner as well would
 * cost every creation under access control a quarter more.
 */
export const keyEntry = (key: string): string => `:${key}`;

/** Begins like no other entry. */
export const groupEntry = (group: string): string => `g:${group}`;

interface Entered {
  readonly groups: readonly string[];
  readonly keys: readonly string[];
}

export const entriesOf = ({ groups, keys }: Entered): readonly string[] => [
  ...keys.map(keyEntry),
  ...groups.map(groupEntry),
];
