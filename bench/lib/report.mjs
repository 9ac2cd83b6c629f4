/** A row per measure: ours, what it is held against, the ratio, the aim, and whether it is met. */

/** @param {{measure: string, ours: number, beside?: number, unit: string, ratio?: number, aim: string, met: boolean}[]} rows */
export const printRows = (rows, json) => {
  if (json) {
    process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
    return;
  }
  const number = (value) => (value === undefined ? '' : value.toFixed(value < 10 ? 2 : 0));
  const table = [
    ['measure', 'Magnetar', 'beside', 'unit', 'ratio', 'aim', ''],
    ...rows.map((row) => [
      row.measure,
      number(row.ours),
      number(row.beside),
      row.unit,
      number(row.ratio),
      row.aim,
      row.met === undefined ? '' : row.met ? 'met' : 'MISSED',
    ]),
  ];
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  for (const line of table) {
    process.stdout.write(
      `${line
        .map((cell, n) => cell.padEnd(widths[n]))
        .join('  ')
        .trimEnd()}\n`,
    );
  }
};

/** A rate or a time held against another: `atLeast` or `atMost` the given ratio, which is their own unless it is the median of many. */
export const compare = ({
  measure,
  ours,
  beside,
  unit,
  ratio = ours / beside,
  atLeast,
  atMost,
}) => {
  const met = atLeast === undefined ? ratio <= atMost : ratio >= atLeast;
  const aim = atLeast === undefined ? `<= ${atMost}` : `>= ${atLeast}`;
  return { measure, ours, beside, unit, ratio, aim, met };
};

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
