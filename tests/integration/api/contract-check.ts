/** Holds each answer of the API against the bundled document, per view, with unknown keys forbidden as strict clients do (T59). */
import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { expect } from 'vitest';
import type { Answer } from './harness.ts';

type Json = Record<string, unknown>;

const DOCUMENT = new URL('../../../openapi/tes.bundled.json', import.meta.url);

/** A copy of the schemas in which objects take no other keys, except the parts of an `allOf`. */
const closed = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(closed);
  if (typeof node !== 'object' || node === null) return node;
  const copy: Json = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, key === 'allOf' ? value : closed(value)]),
  );
  const isObject = typeof copy['properties'] === 'object' && !('additionalProperties' in copy);
  return isObject && copy['type'] === 'object' ? { ...copy, additionalProperties: false } : copy;
};

const OPEN = ['Service', 'ServiceType'];

interface Operation {
  readonly responses: Json;
}

const document = JSON.parse(readFileSync(DOCUMENT, 'utf8')) as {
  components: { schemas: Json };
  paths: Record<string, Readonly<Record<string, Operation>>>;
};
const schemas = Object.fromEntries(
  Object.entries(document.components.schemas).map(([name, schema]) => [
    name,
    OPEN.includes(name) ? schema : closed(schema),
  ]),
);

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema({ $id: 'tes', components: { schemas } });

const compile = (name: string): ValidateFunction =>
  ajv.compile({ $ref: `tes#/components/schemas/${name}` });

const exactly = (...keys: readonly string[]) => ({
  type: 'object',
  required: keys,
  properties: Object.fromEntries(keys.map((key) => [key, {}])),
  additionalProperties: false,
});

const minimal = {
  ...exactly('id', 'state'),
  properties: {
    id: { type: 'string', pattern: '^[A-Za-z0-9_-]+$' },
    state: { $ref: 'tes#/components/schemas/tesState' },
  },
};

const listOf = (items: object) => ({
  type: 'object',
  required: ['tasks'],
  properties: {
    tasks: { type: 'array', items },
    next_page_token: { type: 'string', minLength: 1 },
  },
  additionalProperties: false,
});

const task = { $ref: 'tes#/components/schemas/tesTask' };

const VALIDATORS = {
  serviceInfo: compile('tesServiceInfo'),
  legacyInfo: ajv.compile(exactly('name', 'doc', 'storage')),
  created: ajv.compile(exactly('id')),
  cancelled: ajv.compile({ type: 'object', maxProperties: 0 }),
  task: ajv.compile(task),
  minimalTask: ajv.compile(minimal),
  tasks: ajv.compile(listOf(task)),
  minimalTasks: ajv.compile(listOf(minimal)),
  error: ajv.compile({
    type: 'object',
    required: ['status', 'code', 'message', 'details', 'request_id'],
    properties: {
      status: { type: 'integer' },
      code: { type: 'string', pattern: '^[A-Z_]+$' },
      message: { type: 'string', minLength: 1 },
      details: {
        type: 'array',
        items: {
          ...exactly('field', 'message'),
          properties: { field: { type: 'string' }, message: { type: 'string', minLength: 1 } },
        },
      },
      request_id: { type: 'string', minLength: 1 },
    },
    additionalProperties: false,
  }),
} satisfies Record<string, ValidateFunction>;

const PREFIX = /^(\/ga4gh\/tes)?(\/v1)?\//;

const isMinimal = (url: URL): boolean =>
  [null, '', 'MINIMAL'].includes(url.searchParams.get('view')?.toUpperCase() ?? null);

/** The schema of a good answer; undefined for pages that TES does not describe. */
const validatorFor = (url: URL, method: string): ValidateFunction | undefined => {
  const path = url.pathname.replace(PREFIX, '');
  if (path === 'service-info') return VALIDATORS.serviceInfo;
  if (path === 'tasks/service-info') return VALIDATORS.legacyInfo;
  if (path === 'tasks' && method === 'POST') return VALIDATORS.created;
  if (path === 'tasks') return isMinimal(url) ? VALIDATORS.minimalTasks : VALIDATORS.tasks;
  if (/^tasks\/[^/]+(:|%3A)cancel$/i.test(path)) return VALIDATORS.cancelled;
  if (/^tasks\/[^/]+$/.test(path)) return isMinimal(url) ? VALIDATORS.minimalTask : VALIDATORS.task;
  return undefined;
};

/** The path in the document; undefined for what TES does not describe. */
const templateOf = (url: URL): string | undefined => {
  const path = `/${url.pathname.replace(PREFIX, '')}`;
  if (path === '/tasks/service-info') return undefined;
  if (/^\/tasks\/[^/]+(:|%3A)cancel$/i.test(path)) return '/tasks/{id}:cancel';
  return /^\/tasks\/[^/]+$/.test(path) ? '/tasks/{id}' : path;
};

/** Statuses that the document names for the operation; undefined where there is none. */
const documentedStatuses = (url: URL, method: string): readonly string[] | undefined => {
  const operation = document.paths[templateOf(url) ?? '']?.[method.toLowerCase()];
  return operation === undefined ? undefined : Object.keys(operation.responses);
};

const hasNull = (value: unknown): boolean =>
  value === null ||
  (typeof value === 'object' && Object.values(value).some((item) => hasNull(item)));

const expectValid = (validate: ValidateFunction, json: unknown): void => {
  validate(json);
  expect(validate.errors ?? []).toEqual([]);
};

/** T47, C10: the shape of every answer of the server. */
export const assertAnswer = (url: URL, method: string, answer: Answer): void => {
  expect(answer.headers.get('x-request-id')).toBeTruthy();
  if (method === 'HEAD' || answer.status === 204) return;
  const statuses = documentedStatuses(url, method);
  if (statuses !== undefined) expect(statuses).toContain(String(answer.status));
  if (answer.status >= 400) {
    expect(answer.headers.get('content-type')).toContain('application/json');
    expectValid(VALIDATORS.error, answer.json);
    expect((answer.json as { status: number }).status).toBe(answer.status);
    expect(answer.text).not.toMatch(/\bat .*\.(ts|js):\d+/);
    return;
  }
  const validate = validatorFor(url, method);
  if (validate === undefined) return;
  expect(answer.headers.get('content-type')).toContain('application/json');
  expect(hasNull(answer.json)).toBe(false);
  expectValid(validate, answer.json);
};
