/** The TES 1.1 task life cycle as data. Between attempts the shown state is INITIALIZING; terminal states have no exits. */
import { MagnetarError } from '../kernel/errors.ts';

export const TRANSITIONS = {
  UNKNOWN: [], // never entered; the schema's default for a missing field
  QUEUED: ['INITIALIZING', 'CANCELED', 'SYSTEM_ERROR'],
  INITIALIZING: ['RUNNING', 'COMPLETE', 'EXECUTOR_ERROR', 'SYSTEM_ERROR', 'CANCELED'],
  RUNNING: ['INITIALIZING', 'COMPLETE', 'EXECUTOR_ERROR', 'SYSTEM_ERROR', 'CANCELED'], // back only with a new attempt
  PAUSED: [], // in the contract, not shown by this server, like the two below: known clients hang on them
  PREEMPTED: [],
  CANCELING: [],
  COMPLETE: [],
  EXECUTOR_ERROR: [],
  SYSTEM_ERROR: [],
  CANCELED: [],
} as const satisfies Record<string, readonly string[]>;

export type TaskState = keyof typeof TRANSITIONS;

export type TerminalState = 'COMPLETE' | 'EXECUTOR_ERROR' | 'SYSTEM_ERROR' | 'CANCELED';

const EXITS: Readonly<Record<TaskState, readonly TaskState[]>> = TRANSITIONS;

export const TASK_STATES = Object.keys(TRANSITIONS) as readonly TaskState[];

export const isTaskState = (text: string): text is TaskState => Object.hasOwn(TRANSITIONS, text);

export const isTerminal = (state: TaskState): state is TerminalState => EXITS[state].length === 0;

export function assertMove(from: TaskState, to: TaskState): void {
  if (EXITS[from].includes(to)) return;
  throw new MagnetarError('ILLEGAL_TRANSITION', `cannot move a task from ${from} to ${to}`);
}
