/** The ids of the domain. */
import { asBranded, type Branded } from '../kernel/brand.ts';
import { isId, type IdSource } from '../kernel/ids.ts';

export type TaskId = Branded<'TaskId'>;
export type JobId = Branded<'JobId'>;
/** Principal key; empty = access control is off. */
export type OwnerId = Branded<'OwnerId'>;
export type ClassId = Branded<'ClassId'>;

export const newTaskId = (ids: IdSource): TaskId => asBranded<'TaskId'>(ids.next());

export const parseTaskId = (text: string): TaskId | undefined =>
  isId(text) ? asBranded<'TaskId'>(text) : undefined;

/** Pulsar job id of one try of one attempt: `tes-<task>-<attempt>-<try>`; never reused. */
export const newJobId = (task: TaskId, attempt: number, tryNumber: number): JobId =>
  asBranded<'JobId'>(`tes-${task}-${String(attempt)}-${String(tryNumber)}`);

const JOB_ID = /^tes-([0-9a-z]{26})-\d{1,6}-\d{1,6}$/;

export const parseJobId = (text: string): { job: JobId; task: TaskId } | undefined => {
  const task = parseTaskId(JOB_ID.exec(text)?.[1] ?? '');
  return task === undefined ? undefined : { job: asBranded<'JobId'>(text), task };
};

export const NO_OWNER: OwnerId = asBranded<'OwnerId'>('');

export const parseOwnerId = (text: string): OwnerId => asBranded<'OwnerId'>(text);

export const parseClassId = (text: string): ClassId => asBranded<'ClassId'>(text);
