/** How the data of an attempt went over the network, for people: entries of `logs[].metadata`. Never a URL. Pure. */
import type { Report, ReportInput, ReportOutput } from './report.ts';

const MOST_ENTRIES = 100;
const OVER_NETWORK: readonly (string | undefined)[] = ['direct', 'relay', 'push'];

type Row = ReportInput | ReportOutput;

const moved = (rows: readonly Row[]): readonly Row[] =>
  rows.filter(({ method }) => OVER_NETWORK.includes(method));

const bytesOf = (rows: readonly Row[]): number => rows.reduce((sum, { size }) => sum + size, 0);

/** Files of one output go side by side, so their seconds make no sum. */
const words = (rows: readonly Row[]): string => {
  const [first] = rows;
  const tries = rows.reduce((most, row) => Math.max(most, row.tries ?? 1), 1);
  return [
    first?.why === undefined ? first?.method : `${first.method ?? ''} (${first.why})`,
    ...(rows.length > 1 ? [`${String(rows.length)} files`] : []),
    `${String(bytesOf(rows))} bytes`,
    ...(rows.length > 1 || first?.seconds === undefined ? [] : [`${first.seconds.toFixed(1)} s`]),
    tries === 1 ? '1 try' : `${String(tries)} tries`,
  ].join(', ');
};

const entries = (kind: string, rows: readonly Row[]): readonly (readonly [string, string])[] => {
  const found = new Map<number, Row[]>();
  for (const row of moved(rows)) {
    const known = found.get(row.i);
    if (known === undefined) found.set(row.i, [row]);
    else known.push(row);
  }
  return [...found].map(([i, some]) => [`${kind} ${String(i)}`, words(some)]);
};

/** One for each input and output that was moved; of more than a hundred the first, and what all of them are. */
export const transferMetadata = ({
  inputs,
  outputs,
}: Pick<Report, 'inputs' | 'outputs'>): Readonly<Record<string, string>> => {
  const all = [...entries('input', inputs), ...entries('output', outputs)];
  const bytes = bytesOf(moved([...inputs, ...outputs]));
  const total = `${String(all.length)} inputs and outputs, ${String(bytes)} bytes`;
  return Object.fromEntries([
    ...all.slice(0, MOST_ENTRIES),
    ...(all.length > MOST_ENTRIES ? [['transfers', total] as const] : []),
  ]);
};
