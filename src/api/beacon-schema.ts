/** What a runner may send, as a schema: the shapes of src/tasks/report.ts with bounds. Unknown members are removed. */
import { Ajv, type ValidateFunction } from 'ajv';
import { LIMITS } from '../tasks/validation/limits.ts';
import type { Beacon } from '../tasks/report.ts';

const MOST_FILES = 100_000;
const MOST_EXECUTORS = 1000;
const MOST_LINES = 10_000;

const text = { type: 'string' };
const count = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const time = {
  type: 'string',
  maxLength: 40,
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?(Z|[+-]\\d{2}:\\d{2})$',
};
const path = { type: 'string', maxLength: LIMITS.pathBytes };

const list = (items: object, maxItems: number) => ({ type: 'array', items, maxItems });

const object = (properties: Record<string, object>, optional: Record<string, object> = {}) => ({
  type: 'object',
  properties: { ...properties, ...optional },
  required: Object.keys(properties),
  additionalProperties: false,
});

const EXECUTOR = object(
  {
    i: count,
    start: time,
    end: time,
    exit_code: { type: 'integer', minimum: 0, maximum: 255 },
    stdout: text,
    stderr: text,
    stdout_bytes: count,
    stderr_bytes: count,
  },
  { oom: { type: 'boolean' } },
);

const REPORT = object({
  v: { const: 1 },
  job: text,
  state: { enum: ['COMPLETE', 'EXECUTOR_ERROR', 'SYSTEM_ERROR', 'CANCELED'] },
  start: time,
  end: time,
  error: {
    anyOf: [{ type: 'null' }, object({ code: text, message: text, phase: text })],
  },
  host: { type: 'object', additionalProperties: text, maxProperties: 100 },
  system_logs: list(text, MOST_LINES),
  executors: list(EXECUTOR, MOST_EXECUTORS),
  inputs: list(object({ i: count, path, size: count, seconds: { type: 'number' } }), MOST_FILES),
  outputs: list(object({ i: count, path, url: text, size: count }), MOST_FILES),
});

const event = (name: Beacon['event'], members: Record<string, object>) =>
  object({ v: { const: 1 }, job: text, event: { const: name }, ...members });

const SCHEMA = {
  type: 'object',
  required: ['event'],
  discriminator: { propertyName: 'event' },
  oneOf: [
    event('start', {}),
    event('executor', { i: count, start: time }),
    event('executor_end', { executor: EXECUTOR }),
    event('alive', {}),
    event('end', { report: REPORT }),
  ],
};

export const compileBeacon = (): ValidateFunction<Beacon> =>
  new Ajv({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    discriminator: true,
    removeAdditional: true,
  }).compile(SCHEMA);
