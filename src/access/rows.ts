/** The form of the files of users and of API tokens: a version and a list of rows. */
import { isRecord } from '../kernel/json.ts';
import type { FileForm } from './private-file.ts';

const VERSION = 1;

/** @param name of the list in the file, and of what it holds in messages */
export const formOf = <Row>(
  name: string,
  isRow: (value: unknown) => value is Row,
): FileForm<Row> => ({
  parse: (text) => {
    const content: unknown = JSON.parse(text);
    const rows: unknown = isRecord(content) ? content[name] : undefined;
    if (!Array.isArray(rows) || !rows.every(isRow)) throw new Error(`it holds no list of ${name}`);
    return rows;
  },
  print: (rows) => `${JSON.stringify({ v: VERSION, [name]: rows }, undefined, 2)}\n`,
});
