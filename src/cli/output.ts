/** The one place that writes to the terminal. */
import { visible } from '../kernel/visible-text.ts';

export interface Output {
  /** A line of the answer, to stdout. */
  readonly line: (text: string) => void;
  /** A line about the work, to stderr. */
  readonly note: (text: string) => void;
}

export const createOutput = (
  stdout: NodeJS.WritableStream,
  stderr: NodeJS.WritableStream,
): Output => ({
  line: (text) => {
    stdout.write(`${text}\n`);
  },
  note: (text) => {
    stderr.write(`${text}\n`);
  },
});

export const toJson = (value: unknown): string => JSON.stringify(value, undefined, 2);

/** Lines of left-aligned columns. */
export const table = (given: readonly (readonly string[])[]): readonly string[] => {
  const rows = given.map((row) => row.map(visible));
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
};
