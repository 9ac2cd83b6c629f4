/** The report of a job, from Pulsar's status or from the job's folder. */
import { runOf } from '../tasks/attempts.ts';
import { METADATA_FILES } from '../tasks/metadata-files.ts';
import type { JobStatus, Take } from '../tasks/ports/job-transport.ts';
import type { Report } from '../tasks/report.ts';
import { readReport, type Unreadable } from '../tasks/runner-schema.ts';
import type { StepInput } from './attempt-context.ts';

/** Twice what the runner promises. */
const MOST_BYTES = 2 * 1024 * 1024;

export const isUnreadable = (found: Report | Unreadable): found is Unreadable =>
  'unreadable' in found;

const read = ({ deps, watch }: StepInput, text: string): Report | Unreadable => {
  const report = readReport(deps.runnerSchema, text);
  return isUnreadable(report) || report.job === watch.job
    ? report
    : { unreadable: 'it is the report of another job' };
};

/** The report that Pulsar's answer carried; any other text is worth a look at the file only. */
export const reportOf = (input: StepInput, { report }: JobStatus): Report | undefined => {
  const found = report === undefined ? undefined : read(input, report);
  return found === undefined || isUnreadable(found) ? undefined : found;
};

/** The bytes, or undefined when there are more than a report can have. */
const collect = async (
  pieces: AsyncIterable<Uint8Array>,
): Promise<readonly Uint8Array[] | undefined> => {
  const collected: Uint8Array[] = [];
  let left = MOST_BYTES;
  for await (const piece of pieces) {
    left -= piece.length;
    if (left < 0) return undefined;
    collected.push(piece);
  }
  return collected;
};

/** What lies in the job's folder as its report, if anything does. The runner puts it in place whole and as its last act. */
export const fetchReport = async (input: StepInput): Promise<Report | Unreadable | undefined> => {
  const { job } = runOf(input.task);
  let pieces: readonly Uint8Array[] | undefined;
  const take: Take = async (bytes) => {
    pieces = await collect(bytes);
  };
  const options = { signal: input.look, maxBytes: Number.MAX_SAFE_INTEGER };
  if (!(await input.deps.transport.download(job, METADATA_FILES.report, take, options))) {
    return undefined;
  }
  return pieces === undefined
    ? { unreadable: `it is longer than ${String(MOST_BYTES)} bytes` }
    : read(input, Buffer.concat(pieces).toString('utf8'));
};
