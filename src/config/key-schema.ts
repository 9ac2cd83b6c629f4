/** What is said of one key of the configuration, and how all keys of a schema are walked through. */
import type { FormatName } from './formats.ts';

export interface KeySchema<T> {
  readonly doc: string;
  readonly format: FormatName;
  readonly default: T;
  readonly sensitive?: boolean;
}

export const key = <T>(format: FormatName, value: T, doc: string): KeySchema<T> => ({
  doc,
  format,
  default: value,
});

/** Its value never appears in a message, for it may hold a secret. */
export const sensitive = <T>(format: FormatName, value: T, doc: string): KeySchema<T> => ({
  ...key(format, value, doc),
  sensitive: true,
});

/** Meaning of `allow` in every entry of a storage. */
export const WHO =
  '`*`, `user:NAME`, `ISSUER|SUBJECT` or `group:NAME`. With authentication, none = admins only; without it everybody may.';

export const NO_TEXTS: readonly string[] = [];

type SchemaNode = KeySchema<unknown> | { readonly [name: string]: SchemaNode };

export const isKeySchema = (node: SchemaNode): node is KeySchema<unknown> =>
  typeof node['format'] === 'string' && typeof node['doc'] === 'string';

/** All keys of a schema by dotted name, in order. */
export const keysOf = (
  schema: Readonly<Record<string, SchemaNode>>,
  prefix = '',
): readonly (readonly [string, KeySchema<unknown>])[] =>
  Object.entries(schema).flatMap(([name, node]) =>
    isKeySchema(node) ? [[`${prefix}${name}`, node] as const] : keysOf(node, `${prefix}${name}.`),
  );
