/** The logs of a task for people: each attempt, each executor, then what the system says. */
import { exitCodeOf } from './exit-codes.ts';
import type { TesAttempt, TesExecutorLog, TesTask } from './tes-task.ts';

const stream = (name: string, text: string): readonly string[] =>
  text === '' ? [] : [`--- ${name}`, text.replace(/\n$/, '')];

const commandOf = (task: TesTask, index: number): string => {
  const command = (task.commands[index] ?? []).join(' ');
  return command === '' ? '' : `: ${command.slice(0, 200)}`;
};

const executorLines = (log: TesExecutorLog, index: number, task: TesTask): readonly string[] => {
  const exit = log.exitCode === undefined ? 'no exit code' : `exit code ${String(log.exitCode)}`;
  return [
    `=== executor ${String(index)}: ${exit}${commandOf(task, index)}`,
    ...stream('stdout', log.stdout),
    ...stream('stderr', log.stderr),
  ];
};

const attemptLines = (attempt: TesAttempt, index: number, task: TesTask): readonly string[] => [
  ...(task.attempts.length > 1 ? [`##### attempt ${String(index + 1)}`] : []),
  ...attempt.executors.flatMap((log, executor) => executorLines(log, executor, task)),
  ...(attempt.systemLogs.length === 0 ? [] : ['=== system', ...attempt.systemLogs]),
];

/** Streams of an executor that has not ended. */
export interface LiveLog {
  readonly executor: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where the executor that runs is found: its attempt from 1, its place from 0. */
export const runningExecutor = ({
  state,
  attempts,
}: TesTask): { readonly attempt: number; readonly executor: number } | undefined => {
  if (state !== 'RUNNING') return undefined;
  const executor = attempts.at(-1)?.executors.length ?? 0;
  return { attempt: Math.max(1, attempts.length), executor };
};

const liveLines = (live: LiveLog, task: TesTask): readonly string[] => [
  `=== executor ${String(live.executor)} is running${commandOf(task, live.executor)}`,
  ...stream('stdout', live.stdout),
  ...stream('stderr', live.stderr),
];

/** Killed with its runner, say: why is all that the task can tell. */
const unreported = ({ id, state, attempts }: TesTask): readonly string[] =>
  exitCodeOf(state) === undefined || attempts.some(({ executors }) => executors.length > 0)
    ? []
    : [`${id} is ${state}, and none of its executors has reported`];

export const logLines = (task: TesTask, live?: LiveLog): readonly string[] => {
  const lines = [
    ...unreported(task),
    ...task.attempts.flatMap((attempt, index) => attemptLines(attempt, index, task)),
    ...(live === undefined ? [] : liveLines(live, task)),
  ];
  return lines.length === 0 ? [`${task.id} is ${task.state} and has no logs yet`] : lines;
};
