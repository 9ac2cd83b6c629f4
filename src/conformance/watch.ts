/** Looks over the shoulder of all checks: the states each task was seen in, the refusals, and answers that break the document. */
import { isRecord } from '../kernel/json.ts';
import type { Answer } from './http.ts';
import { at, listOf, textAt } from './json.ts';
import type { Judge, Shape } from './schemas.ts';

export const STATES: readonly string[] = [
  'UNKNOWN',
  'QUEUED',
  'INITIALIZING',
  'RUNNING',
  'PAUSED',
  'COMPLETE',
  'EXECUTOR_ERROR',
  'SYSTEM_ERROR',
  'CANCELED',
  'PREEMPTED',
  'CANCELING',
];

const ENDED: readonly string[] = [
  'COMPLETE',
  'EXECUTOR_ERROR',
  'SYSTEM_ERROR',
  'CANCELED',
  'PREEMPTED',
];

export const isEnded = (state: string): boolean => ENDED.includes(state);

export interface Finding {
  readonly message: string;
  readonly answer: Answer;
}

export interface Watch {
  see(answer: Answer): void;
  /** Last state seen of a task; empty = none. */
  stateOf(id: string): string;
  /** States out of the document, and ends that were left. */
  readonly strayStates: readonly Finding[];
  /** Task answers that break the document or have keys of their own. */
  readonly breaches: readonly Finding[];
  readonly refusals: readonly Answer[];
}

/** The shape of a good answer about tasks; undefined for others. */
const shapeOf = ({ request }: Answer): Shape | undefined => {
  const { pathname, searchParams } = new URL(request.url);
  if (request.method !== 'GET' || pathname.endsWith('/service-info')) return undefined;
  const isMinimal = ['', 'MINIMAL'].includes(searchParams.get('view')?.toUpperCase() ?? '');
  if (pathname.endsWith('/tasks')) return isMinimal ? 'minimalList' : 'taskList';
  if (/\/tasks\/[^/]+$/.test(pathname)) return isMinimal ? 'MINIMAL' : 'task';
  return undefined;
};

const tasksIn = (json: unknown): readonly unknown[] =>
  isRecord(json) && Array.isArray(json['tasks']) ? listOf(at(json, 'tasks')) : [json];

export const createWatch = (judge: Judge): Watch => {
  const states = new Map<string, string>();
  const strayStates: Finding[] = [];
  const breaches: Finding[] = [];
  const refusals: Answer[] = [];

  const seeState = (task: unknown, answer: Answer): void => {
    const [id, state] = [textAt(task, 'id'), textAt(task, 'state')];
    if (id === '' || state === '') return;
    const before = states.get(id) ?? '';
    states.set(id, state);
    if (!STATES.includes(state)) strayStates.push({ message: `state ${state}`, answer });
    if (isEnded(before) && state !== before) {
      strayStates.push({ message: `${id} went from ${before} to ${state}`, answer });
    }
  };
  return {
    see: (answer) => {
      if (answer.status >= 400) refusals.push(answer);
      const shape = answer.status === 200 ? shapeOf(answer) : undefined;
      if (shape === undefined) return;
      for (const task of tasksIn(answer.json)) seeState(task, answer);
      const message = judge.breach(answer.json, shape, true);
      if (message !== undefined) breaches.push({ message, answer });
    },
    stateOf: (id) => states.get(id) ?? '',
    strayStates,
    breaches,
    refusals,
  };
};
