/** From a stored task to what TES shows of it, in one of three views. Only keys of the contract, never null (C9, C10). */
import type { components } from '../generated/tes.ts';
import { toRfc3339 } from '../kernel/clock.ts';
import type { TaskInput, TaskOutput } from './spec.ts';
import type { Attempt, AttemptExecutor, Part, PartKind, Task, TaskSummary } from './task.ts';
import { safeUrl } from './urls.ts';

export type View = 'MINIMAL' | 'BASIC' | 'FULL';

type WireTask = components['schemas']['tesTask'];
type WireLog = components['schemas']['tesTaskLog'];
type WireExecutorLog = components['schemas']['tesExecutorLog'];
type WireOutputLog = components['schemas']['tesOutputFileLog'];

/** MINIMAL breaks the contract's own `required: executors` (trap 1). */
export type WireView = Pick<WireTask, 'id' | 'state'> & Partial<WireTask>;

const VIEWS: readonly View[] = ['MINIMAL', 'BASIC', 'FULL'];

/** T53: letter case does not matter. */
export const parseView = (text: string): View | undefined =>
  VIEWS.find((view) => view === text.toUpperCase());

/** Which parts a view needs. */
export const PARTS_OF_VIEW: Readonly<Record<Exclude<View, 'MINIMAL'>, readonly PartKind[]>> = {
  BASIC: ['outputs'],
  FULL: ['content', 'stdout', 'stderr', 'syslog', 'outputs'],
};

/** T48: exactly these keys. */
export const renderSummary = ({ id, state }: TaskSummary): WireView => ({ id, state });

/** The same as JSON text; neither holds a character to escape. */
export const summaryText = ({ id, state }: TaskSummary): string =>
  `{"id":"${id}","state":"${state}"}`;

/** Parts of one task by attempt, kind and index. */
interface Shelf {
  text(attempt: number, kind: PartKind, index: number): string | undefined;
  all(attempt: number, kind: PartKind): readonly string[];
}

const shelve = (parts: readonly Part[]): Shelf => {
  const place = (attempt: number, kind: PartKind, index: number): string =>
    `${String(attempt)}/${kind}/${String(index)}`;
  const texts = new Map(
    parts.map(({ attempt, kind, index, text }) => [place(attempt, kind, index), text]),
  );
  return {
    text: (attempt, kind, index) => texts.get(place(attempt, kind, index)),
    all: (attempt, kind) =>
      parts
        .filter((part) => part.attempt === attempt && part.kind === kind)
        .map(({ text }) => text),
  };
};

/** Parts of these kinds are JSON lists, written by this server. */
const linesOf = (texts: readonly string[]): readonly string[] =>
  texts.flatMap((text) => JSON.parse(text) as readonly string[]);

const outputsOf = (texts: readonly string[]): readonly WireOutputLog[] =>
  texts.flatMap((text) => JSON.parse(text) as readonly WireOutputLog[]);

const renderExecutor = (
  { i, start, end, exit_code }: AttemptExecutor,
  attempt: number,
  shelf: Shelf,
  view: View,
): WireExecutorLog => ({
  start_time: toRfc3339(start),
  end_time: toRfc3339(end),
  ...(view === 'FULL'
    ? {
        stdout: shelf.text(attempt, 'stdout', i) ?? '',
        stderr: shelf.text(attempt, 'stderr', i) ?? '',
      }
    : {}),
  exit_code,
});

/** Why a task ended that did not end by itself (C40). */
const endReason = ({ head }: Task): string | undefined =>
  head.state === 'CANCELED' || head.state === 'SYSTEM_ERROR'
    ? (head.log.at(-1)?.reason ?? head.attempts.at(-1)?.reason ?? `the task ended as ${head.state}`)
    : undefined;

const withLine = (lines: readonly string[], line: string | undefined): readonly string[] =>
  line === undefined || lines.some((known) => known.includes(line)) ? lines : [...lines, line];

/** Lines of one attempt; notes of the creation go to the first, the reason of the end to the last. */
const systemLogs = (task: Task, n: number, shelf: Shelf): readonly string[] => {
  const { run, attempts } = task.head;
  const own = withLine(
    withLine(linesOf(shelf.all(n, 'syslog')), run?.n === n ? run.progress : undefined),
    attempts.find((attempt) => attempt.n === n)?.reason,
  );
  const lines = n > 1 ? own : [...linesOf(shelf.all(0, 'syslog')), ...own];
  return n >= attempts.length ? withLine(lines, endReason(task)) : lines;
};

const renderAttempt = (task: Task, attempt: Attempt, shelf: Shelf, view: View): WireLog => ({
  logs: [...attempt.executors]
    .sort((a, b) => a.i - b.i)
    .map((executor) => renderExecutor(executor, attempt.n, shelf, view)),
  metadata: attempt.metadata,
  start_time: toRfc3339(attempt.start),
  ...(attempt.end === undefined ? {} : { end_time: toRfc3339(attempt.end) }),
  outputs: outputsOf(shelf.all(attempt.n, 'outputs')),
  ...(view === 'FULL' ? { system_logs: systemLogs(task, attempt.n, shelf) } : {}),
});

/** T55: the one log item of a task that no destination has taken. */
const renderUnstarted = (task: Task, shelf: Shelf, view: View): WireLog => ({
  logs: [],
  outputs: [],
  ...(view === 'FULL' ? { system_logs: systemLogs(task, 1, shelf) } : {}),
});

const renderLogs = (task: Task, shelf: Shelf, view: View): readonly WireLog[] =>
  task.head.attempts.length === 0
    ? [renderUnstarted(task, shelf, view)]
    : task.head.attempts.map((attempt) => renderAttempt(task, attempt, shelf, view));

/** C12: what was sent, and the type. Tasks of earlier versions were stored with the secrets of their URLs. */
const renderInput = (
  { content_bytes, ...input }: TaskInput,
  content: string | undefined,
): components['schemas']['tesInput'] => ({
  ...input,
  ...(input.url === undefined ? {} : { url: safeUrl(input.url) }),
  type: input.type ?? 'FILE',
  ...(content_bytes === undefined || content === undefined ? {} : { content }),
});

const renderOutput = (output: TaskOutput): components['schemas']['tesOutput'] => ({
  ...output,
  url: safeUrl(output.url),
  type: output.type ?? 'FILE',
});

const renderSpec = (task: Task, shelf: Shelf, view: View): Omit<WireTask, 'id' | 'state'> => {
  const { inputs, outputs, secret_parts: _sealed, ...rest } = task.spec;
  return {
    ...rest,
    ...(inputs === undefined
      ? {}
      : {
          inputs: inputs.map((input, index) =>
            renderInput(input, view === 'FULL' ? shelf.text(0, 'content', index) : undefined),
          ),
        }),
    ...(outputs === undefined ? {} : { outputs: outputs.map(renderOutput) }),
  };
};

export const renderTask = (
  task: Task,
  parts: readonly Part[],
  view: Exclude<View, 'MINIMAL'>,
): WireView => {
  const shelf = shelve(parts);
  return {
    id: task.id,
    state: task.head.state,
    ...renderSpec(task, shelf, view),
    logs: renderLogs(task, shelf, view),
    creation_time: toRfc3339(task.created),
  };
};
