/** What this server lays into a job and fetches from it, because the job can reach nobody (DESIGN section 5, `push`): where it lies there, and what the report becomes. Pure. */
import type { Report } from './report.ts';

/** Files and folders of one input, and all outputs of a task; what has more wants an archive. */
export const MOST_PUSHED = 100_000;

/** Below the job's `inputs/`: a file of input `i`. */
export const pushedFile = (i: number, n: number): string => `push/${String(i)}/${String(n)}`;

/** Tells what the files of input `i` are, and is there when all of them are. */
export const pushedList = (i: number): string => `push/${String(i)}.jsonl`;

/** What of an input is told to the runner. */
export interface PushedEntry {
  readonly kind: 'file' | 'folder';
  /** Names below the input; empty = the input itself. */
  readonly path: readonly string[];
  /** Bytes of a file. */
  readonly size?: number;
}

/** One line for each entry, parents first; files are numbered in this order. */
export const listText = (entries: readonly PushedEntry[]): string =>
  [...entries, { end: true }].map((entry) => `${JSON.stringify(entry)}\n`).join('');

/** An output in the job: a file, or an empty folder. */
export interface PushedOutput {
  /** Index in the task's `outputs`. */
  readonly i: number;
  readonly path: string;
  /** Below the URL; none = the URL itself. */
  readonly names: readonly string[];
  readonly size: number;
  /** Name below the job's `outputs/push/`; absent = an empty folder. */
  readonly stored?: string;
}

/** How far the outputs of a job have come; those of one output one after another, in the order of the report. */
export interface Collected {
  /** Files that are stored, by output. */
  readonly files: ReadonlyMap<number, number>;
  /** Why the rest of an output is not. */
  readonly failed: ReadonlyMap<number, string>;
}

const isPushed = ({ method }: { readonly method?: string }): boolean => method === 'push';

/** The same when nothing more can be had of the job. */
export const withoutRest = (report: Report, { files, failed }: Collected, why: string): Report => {
  const counts = new Map<number, number>();
  for (const { i } of report.outputs.filter(isPushed)) counts.set(i, (counts.get(i) ?? 0) + 1);
  const rest = [...counts].filter(([i, count]) => count > (files.get(i) ?? 0));
  const lost = new Map(rest.map(([i]) => [i, `output ${String(i)}: ${why}`]));
  const all = new Map([...lost, ...failed]);
  return withCollected(report, { files, failed: all.size === 0 ? new Map([[0, why]]) : all });
};

/** The report with what was really stored. A task whose executors succeeded fails with its outputs; of any other it is only told. */
export const withCollected = (report: Report, { files, failed }: Collected): Report => {
  const left = new Map(files);
  const outputs = report.outputs.filter((row) => {
    if (!isPushed(row) || !failed.has(row.i)) return true;
    const count = left.get(row.i) ?? 0;
    left.set(row.i, count - 1);
    return count > 0;
  });
  const problems = [...failed].sort(([a], [b]) => a - b).map(([, why]) => why);
  const system_logs = [...report.system_logs, ...problems];
  const [message] = problems;
  return message === undefined || report.state !== 'COMPLETE'
    ? { ...report, outputs, system_logs }
    : {
        ...report,
        outputs,
        system_logs: [...report.system_logs, ...problems.slice(1)],
        state: 'SYSTEM_ERROR',
        error: { code: 'OUTPUT_FAILED', message, phase: 'collect' },
      };
};
