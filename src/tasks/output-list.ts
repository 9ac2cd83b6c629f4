/** A list of outputs too long for the report: the runner leaves all rows in a file and lists only the first. */
import type { Report, ReportOutput } from './report.ts';
import { readOutput, type RunnerSchema } from './runner-schema.ts';

/** Outputs on a task; a task with more of them wants a folder, not a list. */
export const MOST_OUTPUTS = 100_000;
/** What so many rows take, about 650 bytes each. */
const MOST_LIST_BYTES = 64 * 1024 * 1024;

export const isListCut = ({ cut }: Report): boolean => cut?.outputs !== undefined;

/** The rows of a file, as many as a task may list; a line that is no row ends the list. */
export const readRows = async <Row>(
  bytes: AsyncIterable<Uint8Array>,
  rowOf: (line: string) => Row | undefined,
): Promise<readonly Row[]> => {
  const rows: Row[] = [];
  const decoder = new TextDecoder();
  let rest = '';
  let room = MOST_LIST_BYTES;
  for await (const piece of bytes) {
    room -= piece.length;
    if (room < 0) return rows;
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const row = rowOf(line);
      if (row === undefined || rows.length === MOST_OUTPUTS) return rows;
      rows.push(row);
    }
  }
  return rows;
};

export const readOutputs = (
  bytes: AsyncIterable<Uint8Array>,
  schema: RunnerSchema,
): Promise<readonly ReportOutput[]> => readRows(bytes, (line) => readOutput(schema, line));

/** The report with the rows of the file, never fewer than it had; a line tells when some are still missing. */
export const withOutputs = (report: Report, rows: readonly ReportOutput[]): Report => {
  const outputs = rows.length > report.outputs.length ? rows : report.outputs;
  const all = report.cut?.outputs ?? 0;
  if (outputs.length >= all) return { ...report, outputs };
  const line = `${String(outputs.length)} of ${String(all)} outputs are listed`;
  return { ...report, outputs, system_logs: [...report.system_logs, line] };
};
