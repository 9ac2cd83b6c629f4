/** From ajv's errors to fields a client knows: `/executors/0/command/1` becomes `executors[0].command[1]`. */
import type { ErrorObject } from 'ajv';
import type { FieldProblem } from '../kernel/errors.ts';
import { itemPath, memberPath } from '../tasks/validation/shape.ts';

const unescaped = (segment: string): string => segment.replaceAll('~1', '/').replaceAll('~0', '~');

const isIndex = (segment: string): boolean => /^\d+$/.test(segment);

const fieldOf = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map(unescaped)
    .reduce(
      (path, segment) =>
        isIndex(segment) ? itemPath(path, Number(segment)) : memberPath(path, segment),
      '',
    );

const params = (error: ErrorObject): Readonly<Record<string, unknown>> => error.params;

const listed = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : '');

/** Own words for the rules whose own words do not name the place or the choice. */
const MESSAGES: Readonly<Record<string, (error: ErrorObject) => string>> = {
  required: () => 'is required',
  enum: (error) => `must be one of ${listed(params(error)['allowedValues'])}`,
};

export const fieldProblem = (error: ErrorObject): FieldProblem => {
  const place = fieldOf(error.instancePath);
  const missing = params(error)['missingProperty'];
  return {
    field: typeof missing === 'string' ? memberPath(place, missing) : place,
    message: MESSAGES[error.keyword]?.(error) ?? error.message ?? 'is not valid',
  };
};
