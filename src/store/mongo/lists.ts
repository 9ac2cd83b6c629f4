/** Lists as conditions that indexes find: owner or group, state and search entries. */
import type { Filter } from 'mongodb';
import { filterKeys, type TaskFilter } from '../../tasks/filter.ts';
import type { OwnerId } from '../../tasks/ids.ts';
import { isIndexedPrefix } from '../../tasks/keys.ts';
import type { ListRequest, Scope } from '../../tasks/ports/task-store.ts';
import type { IndexName } from './collections.ts';
import type { TaskDocument } from './documents.ts';

/** Who may see one task. */
export const scopeFilter = (scope: Scope): Filter<TaskDocument> => {
  if (scope === 'all') return {};
  const { owner, groups = [] } = scope;
  return groups.length === 0
    ? { owner }
    : { $or: [{ owner }, ...groups.map((group) => ({ groups: group }))] };
};

const LAST = 0x10ffff;
const SURROGATES = { first: 0xd800, after: 0xe000 } as const;

/** The least text that sorts after every text with this prefix; undefined when there is none. */
export const afterPrefix = (prefix: string): string | undefined => {
  const points = Array.from(prefix, (point) => point.codePointAt(0) ?? 0);
  while (points.at(-1) === LAST) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  const next = last + 1 === SURROGATES.first ? SURROGATES.after : last + 1;
  return String.fromCodePoint(...points, next);
};

/** A range, so that no character is special; needed only where no search entry covers the prefix whole. */
export const prefixFilter = (prefix: string): Filter<TaskDocument> => {
  if (prefix === '' || isIndexedPrefix(prefix)) return {};
  const after = afterPrefix(prefix);
  return { name: after === undefined ? { $gte: prefix } : { $gte: prefix, $lt: after } };
};

/** A list that one index yields: everybody's tasks, an owner's, or those that a group shares. */
type List = 'all' | { readonly owner: OwnerId } | { readonly group: string };

export type OneList = Omit<ListRequest, 'scope'> & { readonly list: List };

export const listsOf = (scope: Scope): readonly List[] =>
  scope === 'all'
    ? ['all']
    : [{ owner: scope.owner }, ...(scope.groups ?? []).map((group) => ({ group }))];

/** What an index finds and yields newest first: its leading fields have one value each. */
export interface Condition {
  readonly filter: Filter<TaskDocument>;
  readonly index: IndexName;
}

/** The index of each list: alone, with a state, with a search entry. A group's filters are found among everybody's tasks. */
const INDEXES = {
  all: { alone: '_id_', state: 'state', key: 'keys' },
  owner: { alone: 'owner', state: 'owner_state', key: 'owner_keys' },
} as const satisfies Record<string, Record<string, IndexName>>;

/** `base` is the list itself, for when there is no other condition. */
export const conditionsOf = (
  list: List,
  filter: TaskFilter,
): { readonly base: Condition; readonly conditions: readonly Condition[] } => {
  const isOwned = list !== 'all' && 'owner' in list;
  const scope: Filter<TaskDocument> = isOwned ? { owner: list.owner } : {};
  const indexes = isOwned ? INDEXES.owner : INDEXES.all;
  const base: Condition =
    list !== 'all' && 'group' in list
      ? { filter: { groups: list.group }, index: 'groups' }
      : { filter: scope, index: indexes.alone };
  const keys = [...new Set(filterKeys(filter))].map((key): Condition => ({
    filter: { ...scope, keys: key },
    index: indexes.key,
  }));
  const { state } = filter;
  const states: readonly Condition[] =
    state === undefined ? [] : [{ filter: { ...scope, state }, index: indexes.state }];
  return { base, conditions: [...(base.index === 'groups' ? [base] : []), ...keys, ...states] };
};
