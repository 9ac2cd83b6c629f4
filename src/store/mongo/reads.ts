/** The calls that only read. */
import type { Filter, FindOptions, Sort } from 'mongodb';
import type { OwnerId, TaskId } from '../../tasks/ids.ts';
import type { CallOptions } from '../../tasks/ports/call.ts';
import type {
  CandidateRequest,
  ListRequest,
  OwedDebt,
  Page,
  Scope,
  Usage,
  WaitingClass,
} from '../../tasks/ports/task-store.ts';
import type { Requirements } from '../../tasks/requirements.ts';
import type { Part, PartKind, Task, TaskRevision, TaskSummary } from '../../tasks/task.ts';
import type { Collections } from './collections.ts';
import { decodeTask, type PartDocument, type TaskDocument } from './documents.ts';
import { scopeFilter } from './lists.ts';
import { findPage } from './pages.ts';

/** The specs that left their documents, by task. */
const specsOf = async (
  { parts }: Collections,
  documents: readonly TaskDocument[],
): Promise<ReadonlyMap<TaskId, string>> => {
  const ids = documents.filter(({ pieces }) => pieces > 0).map(({ _id }) => _id);
  if (ids.length === 0) return new Map();
  const pieces = await parts.find({ task: { $in: ids }, kind: 'spec' }).toArray();
  pieces.sort((a, b) => a.i - b.i);
  return new Map(
    ids.map((id) => [
      id,
      pieces
        .filter(({ task }) => task === id)
        .map(({ text }) => text)
        .join(''),
    ]),
  );
};

const decodeTasks = async (
  collections: Collections,
  documents: readonly TaskDocument[],
): Promise<readonly Task[]> => {
  const specs = await specsOf(collections, documents);
  return documents.map((document) => decodeTask(document, specs.get(document._id) ?? ''));
};

export const findTasks = async (
  collections: Collections,
  filter: Filter<TaskDocument>,
  order: FindOptions = {},
): Promise<readonly Task[]> =>
  decodeTasks(collections, await collections.tasks.find(filter, order).toArray());

export const get = async (
  collections: Collections,
  id: TaskId,
  scope: Scope,
): Promise<Task | undefined> => {
  const [task] = await findTasks(collections, { _id: id, ...scopeFilter(scope) });
  return task;
};

export const summary = async (
  { tasks }: Collections,
  id: TaskId,
  scope: Scope,
): Promise<TaskSummary | undefined> => {
  const found = await tasks.findOne(
    { _id: id, ...scopeFilter(scope) },
    { projection: { state: 1 } },
  );
  return found === null ? undefined : { id: found._id, state: found.state };
};

export const listSummaries = async (
  collections: Collections,
  request: ListRequest,
  options: CallOptions,
): Promise<Page<TaskSummary>> => {
  const { items, ...page } = await findPage(collections, request, { state: 1 }, options);
  return { ...page, items: items.map(({ id, state }) => ({ id, state })) };
};

export const listRevisions = async (
  collections: Collections,
  request: ListRequest,
  options: CallOptions,
): Promise<Page<TaskRevision>> => {
  const { items, ...page } = await findPage(collections, request, { rev: 1 }, options);
  return { ...page, items: items.map(({ id, rev }) => ({ id, rev })) };
};

const byPosition = (a: PartDocument, b: PartDocument): number =>
  compare(a.task, b.task) || a.attempt - b.attempt || compare(a.kind, b.kind) || a.i - b.i;

const compare = (a: string, b: string): number => Number(a > b) - Number(a < b);

const isAsked = (kinds: readonly PartKind[], kind: PartDocument['kind']): kind is PartKind =>
  kinds.some((one) => one === kind);

export const parts = async (
  collections: Collections,
  ids: readonly TaskId[],
  kinds: readonly PartKind[],
): Promise<readonly Part[]> => {
  if (ids.length === 0 || kinds.length === 0) return [];
  const filter = { task: { $in: [...ids] }, kind: { $in: [...kinds] } };
  const found = await collections.parts.find(filter).toArray();
  return found
    .sort(byPosition)
    .flatMap(({ task, attempt, kind, i, text }) =>
      isAsked(kinds, kind) ? [{ task, attempt, kind, index: i, text }] : [],
    );
};

/** What each count of an owner looks for. */
const USAGE_FILTERS = {
  queued: { state: 'QUEUED' },
  stored: {},
} as const satisfies Record<keyof Usage, Filter<TaskDocument>>;

/** Bounded look-ups in the indexes of owner and state; a count without a limit is not asked for. */
export const usage = async (
  { tasks }: Collections,
  owner: OwnerId,
  most: Usage,
): Promise<Usage> => {
  const count = (name: keyof Usage): Promise<number> =>
    most[name] === 0
      ? Promise.resolve(0)
      : tasks.countDocuments({ owner, ...USAGE_FILTERS[name] }, { limit: most[name] });
  const [queued, stored] = await Promise.all([count('queued'), count('stored')]);
  return { queued, stored };
};

const waitingOf = async (
  { tasks }: Collections,
  id: WaitingClass['class'],
  requirements: Requirements,
): Promise<readonly WaitingClass[]> => {
  const owners: readonly OwnerId[] = await tasks.distinct('owner', { ready: true, class: id });
  return owners.map((owner) => ({ class: id, owner, requirements }));
};

/** Distinct values skip from one to the next in the index: the number of waiting tasks does not matter. */
export const waiting = async (collections: Collections): Promise<readonly WaitingClass[]> => {
  const classes = await collections.tasks.distinct('class', { ready: true });
  if (classes.length === 0) return [];
  const known = await collections.classes.find({ _id: { $in: classes } }).toArray();
  const requirements = new Map(
    known.map(({ _id, requirements: text }) => [_id, JSON.parse(text) as Requirements]),
  );
  const groups = await Promise.all(
    [...requirements].map(([id, wants]) => waitingOf(collections, id, wants)),
  );
  return groups.flat();
};

const FIRST: Sort = { prio: -1, _id: 1 };

export const candidates = (
  collections: Collections,
  { class: id, owner, limit, among }: CandidateRequest,
): Promise<readonly Task[]> => {
  const listed = among === undefined ? {} : { _id: { $in: [...among] } };
  const filter = { ready: true, class: id, owner, ...listed };
  return findTasks(collections, filter, { sort: FIRST, limit });
};

export const active = async (
  { tasks }: Collections,
  destination: string,
): Promise<readonly TaskId[]> => {
  const filter = { 'run.destination': destination };
  const found = await tasks.find(filter, { projection: { _id: 1 } }).toArray();
  return found.map(({ _id }) => _id);
};

export const debts = async (
  { tasks }: Collections,
  destination: string,
): Promise<readonly OwedDebt[]> => {
  const filter = { 'debts.destination': destination };
  const found = await tasks.find(filter, { projection: { debts: 1 } }).toArray();
  return found.flatMap(({ _id, debts: all }) =>
    all
      .filter((debt) => debt.destination === destination)
      .map((debt): OwedDebt => ({ task: _id, debt })),
  );
};

/** Text only: the index also holds the tasks without an attempt or debt. */
const IS_TEXT = { $gt: '' };

export const destinationsInUse = async ({ tasks }: Collections): Promise<readonly string[]> => {
  const found: readonly (readonly unknown[])[] = await Promise.all(
    ['run.destination', 'debts.destination'].map((key) => tasks.distinct(key, { [key]: IS_TEXT })),
  );
  const names = found.flat().filter((name) => typeof name === 'string');
  return [...new Set(names)].sort(compare);
};
