/** The bridge to convict: our tables of formats and keys in, checked values out. Replacing convict means replacing this file. */
import convict from 'convict';
import { FORMATS } from './formats.ts';
import { isKeySchema, type KeySchema } from './key-schema.ts';

/** A problem of one key, without the value where it is secret. */
export interface KeyProblem {
  readonly key: string;
  readonly message: string;
}

const registerFormats = (): void => {
  for (const [name, format] of Object.entries(FORMATS)) {
    convict.addFormat({
      name,
      validate: (value: unknown) => {
        const problem = format.problem(value);
        if (problem !== undefined) throw new Error(problem);
      },
      coerce: (value: unknown) => value, // text was read by its layer; a file has types of its own
    });
  }
};

type SchemaTree = Readonly<Record<string, unknown>>;

const toConvict = (tree: SchemaTree): convict.Schema<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(tree).map(([name, node]) => [
      name,
      isKeySchema(node as KeySchema<unknown>)
        ? { ...(node as object) }
        : toConvict(node as SchemaTree),
    ]),
  );

const problemsOf = (message: string): readonly KeyProblem[] =>
  message.split('\n').map((line) => {
    const colon = line.indexOf(': ');
    return { key: line.slice(0, colon), message: line.slice(colon + 2) };
  });

/** What a schema yields: a value of its type for each key. */
export type ValuesOf<Tree> = {
  readonly [Name in keyof Tree]: Tree[Name] extends KeySchema<infer Value>
    ? Value
    : ValuesOf<Tree[Name]>;
};

export type Checked<Tree> =
  | { readonly values: ValuesOf<Tree>; readonly problems: readonly [] }
  | { readonly values: undefined; readonly problems: readonly KeyProblem[] };

/** Lays `values` (dotted keys) over the defaults of the schema and checks all of it. */
export const checkAgainst = <Tree extends SchemaTree>(
  tree: Tree,
  values: Iterable<readonly [string, unknown]>,
): Checked<Tree> => {
  registerFormats();
  const instance = convict(toConvict(tree), { env: {}, args: [] });
  for (const [key, value] of values) instance.set(key, value);
  try {
    instance.validate({ allowed: 'strict' });
    return { values: instance.getProperties() as ValuesOf<Tree>, problems: [] };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { values: undefined, problems: problemsOf(message) };
  }
};
