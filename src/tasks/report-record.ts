/** What of a report stays on the task: the record of the attempt, and the parts that are too long for it. Pure. */
import type { Report, ReportExecutor } from './report.ts';
import type { Attempt, AttemptExecutor, Part, Run, Task } from './task.ts';
import { transferMetadata } from './transfer-metadata.ts';

/** A part may have 1 MiB, and a character takes at most three bytes. */
const PIECE_CHARS = 300_000;

const executorRecord = (executor: ReportExecutor): AttemptExecutor => ({
  i: executor.i,
  start: Date.parse(executor.start),
  end: Date.parse(executor.end),
  exit_code: executor.exit_code,
  stdout_bytes: executor.stdout_bytes,
  stderr_bytes: executor.stderr_bytes,
});

/** What the report says of the attempt, without a verdict on the task. */
export const attemptOfReport = (report: Report, now: number): Partial<Attempt> => ({
  end: now,
  executors: report.executors.map(executorRecord),
  outputs_n: report.outputs.length,
  metadata: { ...report.host, ...transferMetadata(report) },
  ...(report.error === null ? {} : { reason: report.error.message }),
});

/** Output rows as JSON lists, each of at most a part's size. */
const outputPieces = ({ outputs }: Report): readonly string[] => {
  const pieces: string[][] = [];
  let room = 0;
  for (const { url, path, size } of outputs) {
    const row = JSON.stringify({ url, path, size_bytes: String(size) });
    if (row.length > room) {
      pieces.push([]);
      room = PIECE_CHARS;
    }
    pieces.at(-1)?.push(row);
    room -= row.length + 1;
  }
  return pieces.map((rows) => `[${rows.join(',')}]`);
};

export const reportParts = (task: Task, run: Run, report: Report): readonly Part[] => {
  const part = (kind: Part['kind'], index: number, text: string): readonly Part[] =>
    text === '' ? [] : [{ task: task.id, attempt: run.n, kind, index, text }];
  const logs = [
    ...report.system_logs,
    ...(report.error === null ? [] : [`${report.error.code}: ${report.error.message}`]),
  ];
  return [
    ...report.executors.flatMap(({ i, stdout, stderr }) => [
      ...part('stdout', i, stdout),
      ...part('stderr', i, stderr),
    ]),
    ...(logs.length === 0 ? [] : part('syslog', 0, JSON.stringify(logs))),
    ...outputPieces(report).flatMap((text, index) => part('outputs', index, text)),
  ];
};
