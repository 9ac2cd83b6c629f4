#!/usr/bin/env node
/** Makes everything that follows from `openapi/*.yaml`: the bundled document, the wire types, the shape of a request. `--check` fails when a file on disk differs. */
import { readFile, writeFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';
import { parse } from 'yaml';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const TES = 'openapi/task_execution_service.openapi.yaml';
const EXT = 'openapi/ext.openapi.yaml';
const SERVICE_INFO = 'openapi/service-info.openapi.yaml';
/** Laid over the document of TES, whose file stays as it was published. */
const ANSWERS = 'openapi/answers.openapi.yaml';
const REMOTE =
  /^https:\/\/raw\.githubusercontent\.com\/ga4gh-discovery\/ga4gh-service-info\/v1\.0\.0\/service-info\.yaml(#\/components\/schemas\/(\w+))$/;
const LOCAL = /^#\/components\/schemas\/(\w+)$/;
const BANNER = '/* Generated from openapi/ by `npm run generate`; do not edit. */\n';

const load = async (path) => parse(await readFile(join(ROOT, path), 'utf8'));

/** A copy of `node` in which every remote reference is local; `wanted` collects the schemas it named. */
const localised = (node, wanted) => {
  if (Array.isArray(node)) return node.map((item) => localised(item, wanted));
  if (node === null || typeof node !== 'object') return node;
  const entries = Object.entries(node).map(([key, value]) => {
    if (key !== '$ref') return [key, localised(value, wanted)];
    const remote = REMOTE.exec(value);
    if (remote === null && !value.startsWith('#/')) throw new Error(`unknown reference ${value}`);
    if (remote !== null) wanted.add(remote[2]);
    return [key, remote === null ? value : remote[1]];
  });
  return Object.fromEntries(entries);
};

const bundle = (tes, serviceInfo) => {
  const wanted = new Set();
  const document = localised(tes, wanted);
  const { schemas } = document.components;
  for (const name of [...wanted].sort()) {
    if (schemas[name] !== undefined) throw new Error(`two schemas are called ${name}`);
    schemas[name] = serviceInfo.components.schemas[name];
  }
  return document;
};

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

const isReplaced = (base, over) => !isObject(base) || !isObject(over) || '$ref' in base;

/** Parameters are told apart by their names; those that are only referred to have none. */
const parametersWith = (base, over) => {
  const named = new Map(over.map((one) => [one.name, one]));
  const known = base.map(({ name }) => name);
  return [
    ...base.map((one) => (named.has(one.name) ? merged(one, named.get(one.name)) : one)),
    ...over.filter(({ name }) => !known.includes(name)),
  ];
};

/** `base` with what `over` adds to it, object by object; a reference is replaced as a whole. */
const merged = (base, over) => {
  if (isReplaced(base, over)) return over;
  const changed = Object.entries(over).map(([key, value]) => {
    if (!(key in base)) return [key, value];
    return [
      key,
      key === 'parameters' && Array.isArray(value)
        ? parametersWith(base[key], value)
        : merged(base[key], value),
    ];
  });
  return { ...base, ...Object.fromEntries(changed) };
};

/** The errors of both documents are the same. */
const errorsOf = ({ components: { responses, schemas } }) => ({
  responses: { Refused: responses.Refused },
  schemas: { Error: schemas.Error, Problem: schemas.Problem },
});

const deref = (schema, schemas) => {
  const target = LOCAL.exec(schema.$ref ?? '');
  return target === null ? schema : schemas[target[1]];
};

const camelCase = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** What of a schema a request may carry, with the camelCase spellings of its fields; read-only fields and prose left out. */
const shapeOf = (given, schemas) => {
  const schema = deref(given, schemas);
  if (schema.type === 'array') return { items: shapeOf(schema.items, schemas) };
  if (schema.additionalProperties !== undefined) return { values: true };
  if (schema.properties === undefined) return {};
  const sent = Object.entries(schema.properties).filter(
    ([, property]) => deref(property, schemas).readOnly !== true,
  );
  return {
    fields: Object.fromEntries(sent.map(([name, property]) => [name, shapeOf(property, schemas)])),
    aliases: Object.fromEntries(
      sent.map(([name]) => [camelCase(name), name]).filter(([alias, name]) => alias !== name),
    ),
  };
};

const shapeModule = (document) => {
  const { schemas } = document.components;
  return `${BANNER}import type { Shape } from '../tasks/validation/shape.ts';

/** Every field that a create request may carry. */
export const TASK_SHAPE: Shape = ${JSON.stringify(shapeOf(schemas.tesTask, schemas), null, 2)};
`;
};

const typesOf = async (json) =>
  BANNER +
  astToString(
    await openapiTS(json, { alphabetize: true, immutable: true, defaultNonNullable: false }),
  );

const outputs = async () => {
  const extensions = await load(EXT);
  const document = [await load(ANSWERS), { components: errorsOf(extensions) }].reduce(
    merged,
    bundle(await load(TES), await load(SERVICE_INFO)),
  );
  const json = `${JSON.stringify(document, null, 2)}\n`;
  const ext = `${JSON.stringify(extensions, null, 2)}\n`;
  return {
    'openapi/tes.bundled.json': json,
    'openapi/ext.bundled.json': ext,
    'src/generated/tes.ts': await typesOf(json),
    'src/generated/ext.ts': await typesOf(ext),
    'src/generated/task-shape.ts': shapeModule(document),
  };
};

const current = (path) => readFile(join(ROOT, path), 'utf8').catch(() => undefined);

const check = process.argv.includes('--check');
const drifted = [];
for (const [path, text] of Object.entries(await outputs())) {
  if ((await current(path)) === text) continue;
  drifted.push(path);
  if (check) continue;
  await mkdir(dirname(join(ROOT, path)), { recursive: true });
  await writeFile(join(ROOT, path), text);
}
if (drifted.length > 0) console.log(`${check ? 'differs' : 'written'}: ${drifted.join(', ')}`);
process.exitCode = check && drifted.length > 0 ? 1 : 0;
