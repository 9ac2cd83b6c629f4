/** Between rows and the records of the domain. The JSON was written by this store, so decoding trusts it. */
import type { TaskId } from '../../tasks/ids.ts';
import type { Lease, NewTask, OwedDebt, WaitingClass } from '../../tasks/ports/task-store.ts';
import type { Part, Task, TaskBody, TaskHead, TaskSummary } from '../../tasks/task.ts';
import type { StateCount } from '../usage.ts';
import type { SqlValue } from './driver.ts';

/** One JSON text of row, head and body: parsing it once costs half of parsing the two and joining the objects. */
export const TASK_COLUMN = `'{"rev":' || t.rev || ',"head":' || h.head || ',' || substr(b.body, 2) AS task`;
export const TASK_JOINS = 'CROSS JOIN bodies b ON b.n = t.n CROSS JOIN heads h ON h.n = t.n';

export const decodeHead = (text: string): TaskHead => JSON.parse(text) as TaskHead;

export const decodeTask = (row: unknown): Task => JSON.parse(textOf(row, 'task')) as Task;

/** All but what is kept elsewhere: the head, the search entries, and the requirements of the class. */
export const encodeBody = (task: NewTask): string => {
  const elsewhere: Readonly<Record<keyof Omit<NewTask, keyof TaskBody>, undefined>> = {
    head: undefined,
    keys: undefined,
    requirements: undefined,
  };
  return JSON.stringify({ ...task, ...elsewhere });
};

/** What of a head is searched or guarded: state, ready, cancelled, destination, epoch, job. */
export const headColumns = (head: TaskHead): readonly SqlValue[] => [
  head.state,
  head.ready ? 1 : 0,
  head.cancel === undefined ? 0 : 1,
  head.run?.destination ?? null,
  head.run?.epoch ?? null,
  head.run?.job ?? null,
];

export const decodeSummary = (row: unknown): TaskSummary => row as TaskSummary;

export const decodeId = (row: unknown): TaskId => (row as { readonly id: TaskId }).id;

export const isReady = (row: unknown): boolean => (row as { readonly ready: number }).ready === 1;

/** All that a task owes, to whichever destination. */
export const decodeDebts = (row: unknown): readonly OwedDebt[] => {
  const debts = JSON.parse(textOf(row, 'debts')) as TaskHead['debts'];
  return debts.map((debt) => ({ task: decodeId(row), debt }));
};

export const decodePart = (row: unknown): Part => row as Part;

export const decodeLease = (row: unknown): Lease => {
  const { capacity, ...lease } = row as Omit<Lease, 'capacity'> & {
    readonly capacity: string | null;
  };
  return capacity === null
    ? lease
    : { ...lease, capacity: JSON.parse(capacity) as NonNullable<Lease['capacity']> };
};

export const decodeWaiting = (row: unknown): WaitingClass => {
  const { requirements, ...rest } = row as Omit<WaitingClass, 'requirements'> & {
    readonly requirements: string;
  };
  return {
    ...rest,
    requirements: JSON.parse(requirements) as WaitingClass['requirements'],
  };
};

/** What a write needs to know of the row it is about. */
export interface KeyRow {
  readonly id: Task['id'];
  readonly n: number;
  readonly rev: number;
  readonly owner: Task['owner'];
}

export const decodeKeyRow = (row: unknown): KeyRow | undefined => row as KeyRow | undefined;

export const decodeStateCount = (row: unknown): StateCount => row as StateCount;

export const textOf = (row: unknown, column: string): string => {
  const value = (row as Readonly<Record<string, unknown>> | undefined)?.[column];
  return typeof value === 'string' ? value : '';
};

export const countOf = (row: unknown): number => (row as { readonly count: number }).count;
