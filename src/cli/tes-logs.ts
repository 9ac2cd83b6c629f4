/** The logs of a task for people: each attempt, each executor, then what the system says. */
import type { TesAttempt, TesExecutorLog, TesTask } from './tes-task.ts';

const stream = (name: string, text: string): readonly string[] =>
  text === '' ? [] : [`--- ${name}`, text.replace(/\n$/, '')];

const executorLines = (log: TesExecutorLog, index: number, task: TesTask): readonly string[] => {
  const command = (task.commands[index] ?? []).join(' ');
  const exit = log.exitCode === undefined ? 'no exit code' : `exit code ${String(log.exitCode)}`;
  return [
    `=== executor ${String(index)}: ${exit}${command === '' ? '' : `: ${command.slice(0, 200)}`}`,
    ...stream('stdout', log.stdout),
    ...stream('stderr', log.stderr),
  ];
};

const attemptLines = (attempt: TesAttempt, index: number, task: TesTask): readonly string[] => [
  ...(task.attempts.length > 1 ? [`##### attempt ${String(index + 1)}`] : []),
  ...attempt.executors.flatMap((log, executor) => executorLines(log, executor, task)),
  ...(attempt.systemLogs.length === 0 ? [] : ['=== system', ...attempt.systemLogs]),
];

export const logLines = (task: TesTask): readonly string[] => {
  const lines = task.attempts.flatMap((attempt, index) => attemptLines(attempt, index, task));
  return lines.length === 0 ? [`${task.id} is ${task.state} and has no logs yet`] : lines;
};
