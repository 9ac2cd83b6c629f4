/** The bundled TES document, and validators compiled from it once at boot. */
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import type { FieldProblem } from '../kernel/errors.ts';
import type { TaskSchema, WireTask } from '../tasks/validation/read-task.ts';
import { fieldProblem } from './schema-problems.ts';

export interface Contract {
  /** The documents: of TES, and of what this server has beside it. */
  readonly text: string;
  readonly extensions: string;
  readonly taskSchema: TaskSchema;
}

const DOCUMENT = new URL('../../openapi/tes.bundled.json', import.meta.url);
const EXTENSIONS = new URL('../../openapi/ext.bundled.json', import.meta.url);

/** Words of OpenAPI that say nothing about validity. */
const PROSE = ['example', 'components', 'info', 'openapi', 'paths', 'security', 'servers'];

const INT32_MAX = 2 ** 31 - 1;

/** An ajv that knows the formats of OpenAPI 3.0. */
const createAjv = (allErrors: boolean): Ajv => {
  const ajv = new Ajv({ allErrors, strict: true, strictTypes: false, strictRequired: false });
  ajv.addVocabulary(PROSE);
  ajv.addFormat('int32', {
    type: 'number',
    validate: (value) => Number.isInteger(value) && Math.abs(value) <= INT32_MAX,
  });
  for (const name of ['int64', 'double', 'boolean', 'uri', 'date-time']) ajv.addFormat(name, true);
  return ajv;
};

const compileTask = (document: object, allErrors: boolean) => {
  const ajv = createAjv(allErrors).addSchema(document, 'tes');
  return ajv.compile<WireTask>({ $ref: 'tes#/components/schemas/tesTask' });
};

/** Reads the document and compiles it; throws when it is missing or broken. */
export const loadContract = (): Contract => {
  const text = readFileSync(DOCUMENT, 'utf8');
  const document = JSON.parse(text) as object;
  const every = compileTask(document, true);
  const first = compileTask(document, false);
  return {
    text,
    extensions: readFileSync(EXTENSIONS, 'utf8'),
    taskSchema: (body, thorough) => {
      const validate = thorough ? every : first;
      if (validate(body)) return { task: body };
      const problems: readonly FieldProblem[] = (validate.errors ?? []).map(fieldProblem);
      return { problems };
    },
  };
};
