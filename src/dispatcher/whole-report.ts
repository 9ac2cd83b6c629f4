/** Before an attempt is closed: the rows of a list that was too long for the report, from the job's folder. */
import { isMagnetarError } from '../kernel/errors.ts';
import { runOf } from '../tasks/attempts.ts';
import { METADATA_FILES } from '../tasks/metadata-files.ts';
import { isListCut, readOutputs, withOutputs } from '../tasks/output-list.ts';
import type { Report, ReportOutput } from '../tasks/report.ts';
import { untilReachable, type StepInput } from './attempt-context.ts';

const download = async ({ deps, task, signal }: StepInput): Promise<readonly ReportOutput[]> => {
  let rows: readonly ReportOutput[] = [];
  const take = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
    rows = await readOutputs(bytes, deps.runnerSchema);
  };
  const options = { signal, maxBytes: Number.MAX_SAFE_INTEGER };
  await deps.transport.download(runOf(task).job, METADATA_FILES.outputs, take, options);
  return rows;
};

/** The report as it goes onto the task, or how long to wait before the next look. A list that nobody hands out holds the result up only for a while. */
export const wholeReport = async (
  input: StepInput,
  report: Report,
): Promise<Report | { readonly waitMs: number }> => {
  if (!isListCut(report)) return report;
  const { deps, watch, signal } = input;
  try {
    return withOutputs(report, await download(input));
  } catch (error) {
    signal.throwIfAborted();
    if (!isMagnetarError(error)) throw error;
    const now = deps.clock.monotonic();
    watch.uncollectedSince ??= now;
    const mayWait = error.row.retryable && now - watch.uncollectedSince < deps.timing.collectMs;
    return mayWait ? untilReachable(input, error) : withOutputs(report, []);
  }
};
