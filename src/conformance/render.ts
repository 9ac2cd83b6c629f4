/** Lines and sums for people. */
import type { Line, Report } from './run.ts';
import type { Result } from './verdict.ts';

const RESULTS: readonly Result[] = ['pass', 'fail', 'choice', 'skipped'];

export const countsOf = (lines: readonly Line[]): Readonly<Record<Result, number>> => {
  const count = (result: Result): number => lines.filter((line) => line.result === result).length;
  return {
    pass: count('pass'),
    fail: count('fail'),
    choice: count('choice'),
    skipped: count('skipped'),
  };
};

const exchange = ({ requests = 1, sent, came = '' }: Line): string => {
  if (sent === undefined) return '';
  return ` | ${requests === 1 ? '' : `${String(requests)} requests: `}${sent} → ${came}`;
};

export const renderLine = (line: Line): string => {
  const { id, result, level, title, note } = line;
  const why = note === undefined ? '' : `: ${note}`;
  return `${id.padEnd(4)} ${result.padEnd(7)} ${level.padEnd(11)} ${title}${why}${exchange(line)}`;
};

export const renderSummary = ({ lines, tasks }: Report): readonly string[] => {
  const counts = countsOf(lines);
  const sums = RESULTS.map((result) => `${String(counts[result])} ${result}`).join(', ');
  const { created, left } = tasks;
  const rest = left.length === 0 ? 'all have ended' : `these have not ended: ${left.join(' ')}`;
  return [
    sums,
    created === 0 ? 'no task was created' : `${String(created)} tasks created; ${rest}`,
  ];
};
