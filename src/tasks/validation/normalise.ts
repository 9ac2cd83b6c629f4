/** Brings a request body into the spelling of the contract: known fields only, no nulls. Values are not judged here. */
import { isRecord, type JsonRecord } from '../../kernel/json.ts';
import type { Shape } from './shape.ts';

const spelling = (key: string, shape: Shape): string | undefined => {
  if (shape.fields !== undefined && Object.hasOwn(shape.fields, key)) return key;
  return shape.aliases !== undefined && Object.hasOwn(shape.aliases, key)
    ? shape.aliases[key]
    : undefined;
};

const normaliseFields = (value: JsonRecord, shape: Shape): JsonRecord => {
  const kept: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    const name = spelling(key, shape);
    const below = name === undefined ? undefined : shape.fields?.[name];
    if (name === undefined || below === undefined || member === null) continue;
    if (name !== key && (value[name] ?? null) !== null) continue; // the contract's own spelling wins
    kept[name] = normalise(member, below);
  }
  return kept;
};

/**
 * Drops unknown and read-only fields (T19, T20, C19), drops nulls of fields and map values (T28, C18) and takes camelCase
 * spellings (C20). A null in a list stays: leaving it out would change an argv.
 */
export const normalise = (value: unknown, shape: Shape): unknown => {
  if (shape.items !== undefined && Array.isArray(value)) {
    const { items } = shape;
    return value.map((item) => normalise(item, items));
  }
  if (!isRecord(value)) return value;
  if (shape.fields !== undefined) return normaliseFields(value, shape);
  return shape.values === true
    ? Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null))
    : value;
};

/** How much a JSON value holds; counting stops where a bound is passed. */
export interface JsonSize {
  readonly depth: number;
  readonly values: number;
}

/** Depth and number of values; goes no deeper than the bound, so that a hostile body cannot exhaust the stack. */
export const sizeOf = (root: unknown, maxDepth: number): JsonSize => {
  let deepest = 0;
  let values = 0;
  const visit = (value: unknown, depth: number): void => {
    values += 1;
    if (depth > deepest) deepest = depth;
    if (typeof value !== 'object' || value === null || depth > maxDepth) return;
    for (const member of Object.values(value)) visit(member, depth + 1);
  };
  visit(root, 1);
  return { depth: deepest, values };
};
