/** The outline of a JSON document as data, and the names of places in it. */

/** `fields`: an object with these members; `values`: a map; `items`: a list; none of them: a plain value. */
export interface Shape {
  readonly fields?: Readonly<Record<string, Shape>>;
  /** Other accepted spellings of the fields. */
  readonly aliases?: Readonly<Record<string, string>>;
  readonly values?: true;
  readonly items?: Shape;
}

/** The members of a list; none when it is no list. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const PLAIN_NAME = /^[A-Za-z_][\w-]*$/;
const SHOWN_NAME = 64;

/** Path of a member: `executors[0].image`, `tags["a b"]`; long names are cut. */
export const memberPath = (parent: string, name: string): string => {
  const shown = name.slice(0, SHOWN_NAME);
  if (!PLAIN_NAME.test(shown)) return `${parent}[${JSON.stringify(shown)}]`;
  return parent === '' ? shown : `${parent}.${shown}`;
};

export const itemPath = (parent: string, index: number): string => `${parent}[${String(index)}]`;
