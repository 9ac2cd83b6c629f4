/** Judges answers by the vendored document: each operation and view has its shape, with or without keys of the server's own. */
import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { isRecord } from '../kernel/json.ts';
import { at, listOf, recordOf } from './json.ts';

export type Shape =
  'serviceInfo' | 'created' | 'cancelled' | 'MINIMAL' | 'task' | 'minimalList' | 'taskList';

type Json = Readonly<Record<string, unknown>>;

const DOCUMENT = new URL('../../openapi/tes.bundled.json', import.meta.url);

/** A copy of the schemas in which objects take no other keys; the parts of an `allOf` cannot be closed one by one. */
const closed = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(closed);
  if (!isRecord(node)) return node;
  const copy: Json = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, key === 'allOf' ? value : closed(value)]),
  );
  const isObject = copy['type'] === 'object' && isRecord(copy['properties']);
  return isObject && !('additionalProperties' in copy)
    ? { ...copy, additionalProperties: false }
    : copy;
};

const nameOf = (ref: unknown): string => String(ref).split('/').at(-1) ?? '';

/** Keys of a schema made of parts. */
const keysOf = (schemas: Json, name: string): readonly string[] => {
  const schema = recordOf(schemas[name]);
  const parts = listOf(schema['allOf']).flatMap((part) =>
    isRecord(part) && '$ref' in part
      ? keysOf(schemas, nameOf(part['$ref']))
      : Object.keys(recordOf(at(part, 'properties'))),
  );
  return [...parts, ...Object.keys(recordOf(schema['properties']))];
};

const ref = (name: string) => ({ $ref: `tes#/components/schemas/${name}` });

const listShape = (items: object) => ({
  type: 'object',
  required: ['tasks'],
  properties: { tasks: { type: 'array', items }, next_page_token: { type: 'string' } },
});

/** MINIMAL breaks the document's own `required: executors` (trap 1). */
const minimal = {
  type: 'object',
  required: ['id', 'state'],
  properties: { id: { type: 'string' }, state: ref('tesState') },
};

const shapesOf = (schemas: Json): Readonly<Record<Shape, object>> => ({
  serviceInfo: {
    allOf: [ref('tesServiceInfo')],
    type: 'object',
    properties: Object.fromEntries(keysOf(schemas, 'tesServiceInfo').map((key) => [key, {}])),
  },
  created: {
    type: 'object',
    required: ['id'],
    properties: { id: { type: 'string', minLength: 1 } },
  },
  cancelled: { type: 'object', properties: {} },
  MINIMAL: minimal,
  task: ref('tesTask'),
  minimalList: listShape(minimal),
  taskList: listShape(ref('tesTask')),
});

const ROOTS_OF_PARTS = ['Service', 'ServiceType'];

const compile = (strict: boolean): ReadonlyMap<string, ValidateFunction> => {
  const document: unknown = JSON.parse(readFileSync(DOCUMENT, 'utf8'));
  const schemas = recordOf(at(document, 'components', 'schemas'));
  const change = strict ? closed : (node: unknown) => node;
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const own = Object.entries(schemas).map(([name, schema]) => [
    name,
    ROOTS_OF_PARTS.includes(name) ? schema : change(schema),
  ]);
  ajv.addSchema({ $id: 'tes', components: { schemas: Object.fromEntries(own) as Json } });
  return new Map(
    Object.entries(shapesOf(schemas)).map(([name, shape]) => [
      name,
      ajv.compile(change(shape) as object),
    ]),
  );
};

export interface Judge {
  /** What breaks the document; undefined = nothing. `strict` also forbids keys that it does not name. */
  breach(json: unknown, shape: Shape, strict: boolean): string | undefined;
}

export const createJudge = (): Judge => {
  const open = compile(false);
  const tight = compile(true);
  return {
    breach: (json, shape, strict) => {
      const validate = (strict ? tight : open).get(shape);
      if (validate === undefined) throw new TypeError(`no shape ${shape}`);
      if (validate(json)) return undefined;
      const [error] = validate.errors ?? [];
      const extra: unknown = error?.params['additionalProperty'];
      const key = typeof extra === 'string' ? ` (${extra})` : '';
      return `${error?.instancePath ?? ''} ${error?.message ?? 'is not valid'}${key}`.trim();
    },
  };
};
