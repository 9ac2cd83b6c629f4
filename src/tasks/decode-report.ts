/** Reads a runner's report from JSON text; what does not have the shape is no report. */
import { isRecord } from '../kernel/json.ts';
import type { Report, ReportExecutor, ReportOutput, ReportState } from './report.ts';

const isTime = (value: unknown): value is string =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value));

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

const STATES: readonly ReportState[] = ['COMPLETE', 'EXECUTOR_ERROR', 'SYSTEM_ERROR', 'CANCELED'];

const isState = (value: unknown): value is ReportState => STATES.some((state) => state === value);

export const isReportExecutor = (value: unknown): value is ReportExecutor =>
  isRecord(value) &&
  isCount(value['i']) &&
  isTime(value['start']) &&
  isTime(value['end']) &&
  Number.isSafeInteger(value['exit_code']) &&
  typeof value['stdout'] === 'string' &&
  typeof value['stderr'] === 'string' &&
  isCount(value['stdout_bytes']) &&
  isCount(value['stderr_bytes']);

export const isReportOutput = (value: unknown): value is ReportOutput =>
  isRecord(value) &&
  isCount(value['i']) &&
  typeof value['path'] === 'string' &&
  typeof value['url'] === 'string' &&
  isCount(value['size']);

const isError = (value: unknown): boolean =>
  value === null ||
  (isRecord(value) &&
    typeof value['code'] === 'string' &&
    typeof value['message'] === 'string' &&
    typeof value['phase'] === 'string');

const isListOf = <Item>(
  value: unknown,
  isItem: (item: unknown) => item is Item,
): value is readonly Item[] => Array.isArray(value) && value.every(isItem);

const isString = (value: unknown): value is string => typeof value === 'string';

export const isReport = (value: unknown): value is Report =>
  isRecord(value) &&
  value['v'] === 1 &&
  typeof value['job'] === 'string' &&
  isState(value['state']) &&
  isTime(value['start']) &&
  isTime(value['end']) &&
  isError(value['error']) &&
  isRecord(value['host']) &&
  Object.values(value['host']).every(isString) &&
  isListOf(value['system_logs'], isString) &&
  isListOf(value['executors'], isReportExecutor) &&
  Array.isArray(value['inputs']) &&
  isListOf(value['outputs'], isReportOutput);

/** The report in this text, or undefined. */
export const parseReport = (text: string): Report | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isReport(value) ? value : undefined;
  } catch {
    return undefined;
  }
};
