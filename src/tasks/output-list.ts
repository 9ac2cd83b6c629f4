/** A list of outputs too long for the report: the runner leaves all rows in a file and lists only the first. */
import type { Report, ReportOutput } from './report.ts';
import { readOutput, type RunnerSchema } from './runner-schema.ts';

/** How many rows of a list the runner keeps in a report that became too long (`fit` in runner/src/job.py). */
const LISTED = 1_000;

/** Where all of them are, below the job's `metadata/`. */
export const OUTPUT_LIST = 'tes/outputs.jsonl';

/** Outputs on a task; a task with more of them wants a folder, not a list. */
export const MOST_OUTPUTS = 100_000;
/** What so many rows take, about 650 bytes each. */
export const MOST_LIST_BYTES = 64 * 1024 * 1024;

/** The runner's remark on its own cut, which is no news once the list is whole. */
const REMARK = /^\d+ of \d+ outputs are listed; /;

/** A report with so many rows may have more beside it; a list of exactly so many has no file. */
export const mayBeCut = ({ outputs }: Report): boolean => outputs.length === LISTED;

/** The rows of the file, as far as they are wanted; a line that is no row ends the list. */
export const readOutputs = async (
  bytes: AsyncIterable<Uint8Array>,
  schema: RunnerSchema,
): Promise<readonly ReportOutput[]> => {
  const rows: ReportOutput[] = [];
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of bytes) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const row = readOutput(schema, line);
      if (row === undefined || rows.length === MOST_OUTPUTS) return rows;
      rows.push(row);
    }
  }
  return rows;
};

/** How many there were, from the runner's remark. */
const announced = ({ system_logs }: Report): number =>
  Number(system_logs.find((line) => REMARK.test(line))?.split(' ')[2] ?? 0);

/** The report with the rows of the file, never fewer than it had; a line tells when some are still missing. */
export const withOutputs = (report: Report, rows: readonly ReportOutput[]): Report => {
  const outputs = rows.length > report.outputs.length ? rows : report.outputs;
  const all = announced(report);
  const others = report.system_logs.filter((line) => !REMARK.test(line));
  const cut = `${String(outputs.length)} of ${String(all)} outputs are listed`;
  return { ...report, outputs, system_logs: all > outputs.length ? [...others, cut] : others };
};
