/** Lists of tables such as `[[destinations]]`: each is checked by a schema of its own. */
import { checkAgainst, type KeyProblem, type ValuesOf } from './convict-schema.ts';
import type { KeySchema } from './key-schema.ts';

export type Table = Readonly<Record<string, unknown>>;
export type TableSchema = Readonly<Record<string, KeySchema<unknown>>>;

/** The values of a table, or what is wrong with it. */
export const readTable = <Schema extends TableSchema>(
  schema: Schema,
  table: Table,
): { readonly values?: ValuesOf<Schema>; readonly problems: readonly KeyProblem[] } => {
  const known = Object.keys(schema);
  const unknown = Object.keys(table).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    const message = `unknown key; known here: ${known.join(', ')}`;
    return { problems: [{ key: unknown, message }] };
  }
  const { values, problems } = checkAgainst(schema, Object.entries(table));
  return values === undefined ? { problems } : { values, problems };
};

export interface TablesResult<Entry> {
  readonly entries: readonly Entry[];
  /** Keys as `storage.s3[0].region`. */
  readonly problems: readonly KeyProblem[];
}

/** Reads each table, and whatever `read` finds wrong with its values. */
export const readTables = <Schema extends TableSchema, Entry>(
  key: string,
  { schema, tables }: { readonly schema: Schema; readonly tables: readonly Table[] },
  read: (values: ValuesOf<Schema>) => {
    readonly entry: Entry;
    readonly problems: readonly KeyProblem[];
  },
): TablesResult<Entry> => {
  const results = tables.map((table, index) => {
    const { values, problems } = readTable(schema, table);
    const done = values === undefined ? undefined : read(values);
    const found = [...problems, ...(done?.problems ?? [])];
    return {
      entries: done === undefined ? [] : [done.entry],
      problems: found.map((problem) => ({
        key: `${key}[${String(index)}].${problem.key}`,
        message: problem.message,
      })),
    };
  });
  return {
    entries: results.flatMap(({ entries }) => entries),
    problems: results.flatMap(({ problems }) => problems),
  };
};
