/** The shapes of src/tasks/report.ts as the one schema of what runners send, compiled once at boot. How much they may send is bounded in bytes, by who receives it. */
import { Ajv, type ValidateFunction } from 'ajv';
import type { Beacon, Report, ReportOutput } from '../tasks/report.ts';
import type { PushedOutput } from '../tasks/pushes.ts';
import type { Checked, RunnerSchema } from '../tasks/runner-schema.ts';
import { fieldProblem } from './schema-problems.ts';

const INT32_MAX = 2 ** 31 - 1;

const text = { type: 'string' };
const count = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const time = { type: 'string', maxLength: 40, format: 'instant' };

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

const isInstant = (value: string): boolean =>
  INSTANT.test(value) && !Number.isNaN(Date.parse(value));

const list = (items: object) => ({ type: 'array', items });

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
    exit_code: { type: 'integer', minimum: -INT32_MAX - 1, maximum: INT32_MAX },
    stdout: text,
    stderr: text,
    stdout_bytes: count,
    stderr_bytes: count,
  },
  { oom: { type: 'boolean' } },
);

const MOVED = { method: text, why: text, seconds: { type: 'number', minimum: 0 }, tries: count };

const INPUT = object({ i: count, path: text, size: count }, MOVED);

const OUTPUT = object({ i: count, path: text, url: text, size: count }, MOVED);

/** Becomes part of a URL, so that nothing may lead out of its folder. */
const name = { type: 'string', pattern: String.raw`^(?!\.{1,2}$)[^/\u0000]+$` };

const PUSHED = object(
  { i: count, path: text, names: list(name), size: count },
  { stored: { type: 'string', pattern: '^[0-9]{1,9}$' } },
);

const REPORT = object(
  {
    v: { const: 1 },
    job: text,
    state: { enum: ['COMPLETE', 'EXECUTOR_ERROR', 'SYSTEM_ERROR', 'CANCELED'] },
    start: time,
    end: time,
    error: {
      anyOf: [{ type: 'null' }, object({ code: text, message: text, phase: text })],
    },
    host: { type: 'object', additionalProperties: text },
    system_logs: list(text),
    executors: list(EXECUTOR),
    inputs: list(INPUT),
    outputs: list(OUTPUT),
  },
  { cut: object({}, { outputs: count, inputs: count }), pushed: count },
);

const event = (
  name: Beacon['event'],
  members: Record<string, object>,
  optional: Record<string, object> = {},
) => object({ v: { const: 1 }, job: text, event: { const: name }, ...members }, optional);

const BEACON = {
  type: 'object',
  required: ['event'],
  discriminator: { propertyName: 'event' },
  oneOf: [
    event('start', {}),
    event('executor', { i: count, start: time }),
    event('alive', {}, { progress: { type: 'string', maxLength: 200 } }),
    event('end', { report: REPORT }),
  ],
};

const checkWith =
  <Value>(validate: ValidateFunction<Value>) =>
  (value: unknown): Checked<Value> =>
    validate(value) ? { value } : { problems: (validate.errors ?? []).map(fieldProblem) };

export const compileRunnerSchema = (): RunnerSchema => {
  const ajv = new Ajv({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    discriminator: true,
    removeAdditional: true,
  });
  ajv.addFormat('instant', isInstant);
  return {
    beacon: checkWith(ajv.compile<Beacon>(BEACON)),
    report: checkWith(ajv.compile<Report>(REPORT)),
    output: checkWith(ajv.compile<ReportOutput>(OUTPUT)),
    pushed: checkWith(ajv.compile<PushedOutput>(PUSHED)),
  };
};
