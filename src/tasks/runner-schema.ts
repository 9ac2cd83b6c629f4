/** What runners send is checked by one schema, whichever way it comes: by beacon, in Pulsar's status, as a file of the job. */
import type { FieldProblem } from '../kernel/errors.ts';
import type { PushedOutput } from './pushes.ts';
import type { Beacon, Report, ReportOutput } from './report.ts';

export type Checked<Value> =
  { readonly value: Value } | { readonly problems: readonly FieldProblem[] };

/** The shapes of report.ts as functions; members that nobody knows are removed. */
export interface RunnerSchema {
  readonly beacon: (value: unknown) => Checked<Beacon>;
  readonly report: (value: unknown) => Checked<Report>;
  readonly output: (value: unknown) => Checked<ReportOutput>;
  readonly pushed: (value: unknown) => Checked<PushedOutput>;
}

/** A text that should be a report and is none, with the reason. */
export interface Unreadable {
  readonly unreadable: string;
}

/** The value of a JSON text, or undefined. */
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

export const readReport = ({ report }: RunnerSchema, text: string): Report | Unreadable => {
  const checked = report(parsed(text));
  if ('value' in checked) return checked.value;
  const [first] = checked.problems;
  return { unreadable: `${first?.field ?? ''} ${first?.message ?? 'is not valid'}`.trim() };
};

const readRow = <Row>(check: (value: unknown) => Checked<Row>, line: string): Row | undefined => {
  const checked = check(parsed(line));
  return 'value' in checked ? checked.value : undefined;
};

/** A row of a list that lies beside the report, like the next. */
export const readOutput = ({ output }: RunnerSchema, line: string): ReportOutput | undefined =>
  readRow(output, line);

export const readPushed = ({ pushed }: RunnerSchema, line: string): PushedOutput | undefined =>
  readRow(pushed, line);
