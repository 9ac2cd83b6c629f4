/** Holds the queries that a driver sends against the indexes of their collections: equalities first, then the order or a range, and nothing left over. */
import type { Document } from 'mongodb';

/** What a command looks for. */
export interface Query {
  readonly collection: string;
  readonly filter: Document;
  readonly sort: Readonly<Record<string, number>>;
  /** 0 = everything. */
  readonly limit: number;
  readonly hint: string | undefined;
}

export interface Index {
  readonly name?: string;
  readonly key: Readonly<Record<string, unknown>>;
}

const stageOf = (pipeline: readonly Document[], name: string, at: number): Document =>
  (pipeline[at]?.[name] ?? {}) as Document;

/** The driver makes a map of an order. */
const sortOf = (sort: unknown): Query['sort'] =>
  (sort instanceof Map ? Object.fromEntries(sort) : sort) as Query['sort'];

/** Only the stages that an index can serve: a match, its order, its limit. */
const aggregated = ({ aggregate, pipeline, hint }: Document): Query => {
  const stages = pipeline as readonly Document[];
  const sort = sortOf(stageOf(stages, '$sort', 1));
  const limit = (stages[Object.keys(sort).length > 0 ? 2 : 1]?.['$limit'] ?? 0) as number;
  const filter = stageOf(stages, '$match', 0);
  return { collection: String(aggregate), filter, sort, limit, hint: hint as string | undefined };
};

const found = ({ find, filter = {}, sort = {}, limit = 0, hint }: Document): Query => ({
  collection: String(find),
  filter: filter as Document,
  sort: sortOf(sort),
  limit: limit as number,
  hint: hint as string | undefined,
});

const written = (collection: unknown, statements: readonly Document[]): readonly Query[] =>
  statements.map(({ q, limit = 0 }) => ({
    collection: String(collection),
    filter: q as Document,
    sort: {},
    limit: limit as number,
    hint: undefined,
  }));

export const queriesOf = (command: Document): readonly Query[] => {
  const { find } = command;
  if (find !== undefined) return [found(command)];
  const { aggregate, update, updates, delete: deletion, deletes, distinct, query = {} } = command;
  if (aggregate !== undefined) return [aggregated(command)];
  if (update !== undefined) return written(update, updates as readonly Document[]);
  if (deletion !== undefined) return written(deletion, deletes as readonly Document[]);
  if (distinct !== undefined) return written(distinct, [{ q: query as Document }]);
  if (command['findAndModify'] !== undefined || command['count'] !== undefined) {
    throw new Error(`a command that this test does not know: ${JSON.stringify(command)}`);
  }
  return [];
};

type Kind = 'equal' | 'any of' | 'range' | 'other';

const RANGE = ['$lt', '$lte', '$gt', '$gte'];

const kindOf = (condition: unknown): Kind => {
  const isOperators =
    typeof condition === 'object' &&
    condition !== null &&
    Object.keys(condition).some((key) => key.startsWith('$'));
  if (!isOperators) return 'equal';
  const names = Object.keys(condition);
  if (names.every((name) => RANGE.includes(name))) return 'range';
  return names.length === 1 && names[0] === '$in' ? 'any of' : 'other';
};

const isServedBy = ({ key }: Index, { filter, sort, limit }: Query): boolean => {
  const names = Object.keys(key);
  const sorted = Object.entries(sort);
  const kinds = new Map(Object.entries(filter).map(([name, value]) => [name, kindOf(value)]));
  const isFixed = (name: string): boolean =>
    kinds.get(name) === 'equal' || (sorted.length === 0 && kinds.get(name) === 'any of');
  const end = names.findIndex((name) => !isFixed(name));
  const fixed = names.slice(0, end === -1 ? names.length : end);
  const next = names[fixed.length] ?? '';
  const found = kinds.get(next) === 'range' ? [...fixed, next] : fixed;
  const isComplete = [...kinds.keys()].every((name) => found.includes(name));
  const turns = new Set(sorted.map(([name, way]) => (key[name] === way ? 'along' : 'against')));
  const isOrdered =
    turns.size <= 1 && sorted.every(([name], n) => names[fixed.length + n] === name);
  const isBounded = found.length > 0 || (limit > 0 && sorted.length > 0);
  return isComplete && isOrdered && isBounded;
};

/** Whether the query names its documents one by one. */
const isByIds = ({ filter }: Query): boolean =>
  '_id' in filter && ['equal', 'any of'].includes(kindOf(filter['_id']));

/** Whether one of the indexes, or the one that the query insists on, finds it. */
export const isIndexed = (query: Query, indexes: readonly Index[]): boolean =>
  isByIds(query) ||
  indexes.some(
    (index) => (query.hint === undefined || query.hint === index.name) && isServedBy(index, query),
  );

/** The query without its values: two of the same shape need the same index. */
export const shapeOf = ({ filter, ...query }: Query): string => {
  const shape = Object.entries(filter).map(([name, value]) => `${name} ${kindOf(value)}`);
  return JSON.stringify({ ...query, limit: query.limit > 0, filter: shape });
};
