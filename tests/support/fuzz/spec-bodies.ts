/** Bodies of create requests, made from the schemas of the bundled document. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly required?: readonly string[];
  readonly allOf?: readonly Schema[];
}

const DOCUMENT = new URL('../../../openapi/tes.bundled.json', import.meta.url);

const { schemas } = (
  JSON.parse(readFileSync(DOCUMENT, 'utf8')) as {
    readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
  }
).components;

const resolved = (schema: Schema): Schema => {
  const name = schema.$ref?.split('/').at(-1);
  return name === undefined ? schema : (schemas[name] ?? {});
};

const NAMES_OF_OBJECTS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];

/** What stands where the document says text, map or number. */
interface Pool {
  readonly text: fc.Arbitrary<string>;
  readonly key: fc.Arbitrary<string>;
  readonly path: fc.Arbitrary<string>;
  readonly url: fc.Arbitrary<string>;
  readonly number: fc.Arbitrary<number>;
  readonly type: fc.Arbitrary<string>;
  /** May lie anywhere. */
  readonly stray: fc.Arbitrary<unknown>;
}

const WELL: Pool = {
  text: fc.string({ unit: 'grapheme', maxLength: 12 }),
  key: fc.oneof(fc.stringMatching(/^[A-Za-z_]\w{0,8}$/), fc.constantFrom(...NAMES_OF_OBJECTS)),
  path: fc.stringMatching(/^\/work\/[a-z]{4,12}$/),
  url: fc.stringMatching(/^https:\/\/[a-z]{3,9}\.example\/[a-z]{1,9}$/),
  number: fc.nat(100_000),
  type: fc.constant('FILE'), // the only one that content has
  stray: fc.constant(null),
};

const ILL: Pool = {
  text: fc.oneof(WELL.text, fc.string({ unit: 'binary', maxLength: 6 })),
  key: fc.oneof(WELL.key, fc.constantFrom('', '=', '\0', 'a b')),
  path: fc.oneof(WELL.path, fc.constantFrom('/', '..', '/a/../b', '/proc/x', '/w/*', 'rel', '')),
  url: fc.oneof(
    WELL.url,
    fc.constantFrom('file:///etc/passwd', 's3://x/y', 'http://[', 'gopher://x', '%zz', '/etc'),
  ),
  type: fc.constantFrom('FILE', 'DIRECTORY', 'file'),
  number: fc.oneof(WELL.number, fc.double(), fc.bigInt().map(Number)),
  stray: fc.jsonValue({ maxDepth: 2 }),
};

/** What the document calls a string or a list, but only few are. */
const meaningsOf = ({
  text,
  path,
  url,
  type,
}: Pool): Readonly<Record<string, fc.Arbitrary<unknown>>> => ({
  image: fc.stringMatching(/^[a-z]{1,8}(:[a-z0-9]{1,4})?$/),
  command: fc
    .tuple(fc.constantFrom('echo', 'true'), fc.array(text, { maxLength: 3 }))
    .map(([program, words]) => [program, ...words]),
  url,
  path,
  type,
  workdir: path,
  stdin: path,
  stdout: path,
  stderr: path,
  path_prefix: fc.constant('/work'),
  volumes: fc.uniqueArray(path, { maxLength: 2 }),
  cpu_cores: fc.nat(64),
});

/** A value is a stray one once in so many. */
const STRAY_WEIGHT = 30;

/** Values after a schema, of what the pool has. */
const createLike = (pool: Pool) => {
  const meanings = meaningsOf(pool);
  const scalars: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    string: pool.text,
    boolean: fc.boolean(),
    integer: pool.number,
    number: pool.number,
  };

  const objectLike = ({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> => {
    const fields = Object.entries(properties).map(([key, below]) => {
      const value = meanings[key] ?? like(below);
      if (required.includes(key) && pool === WELL) return [key, value] as const;
      const weighed = { weight: STRAY_WEIGHT, arbitrary: value };
      return [key, fc.oneof(weighed, { weight: 1, arbitrary: pool.stray })] as const;
    });
    return fc.record(Object.fromEntries(fields), { requiredKeys: [...required] });
  };

  const like = (given: Schema): fc.Arbitrary<unknown> => {
    const schema = resolved(given);
    const [part] = schema.allOf ?? [];
    if (part !== undefined) return like(part);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    if (schema.items !== undefined) {
      return fc.array(like(schema.items), { minLength: 1, maxLength: 3 });
    }
    if (schema.additionalProperties !== undefined) {
      const entry = fc.tuple(pool.key, like(schema.additionalProperties));
      return fc.array(entry, { maxLength: 3 }).map((entries) => Object.fromEntries(entries));
    }
    if (schema.properties === undefined) return scalars[schema.type ?? ''] ?? pool.stray;
    return objectLike(schema);
  };
  return like;
};

const TASK: Schema = { $ref: '#/components/schemas/tesTask' };

const textsOf = (pool: Pool): fc.Arbitrary<string> =>
  createLike(pool)(TASK).map((body) => JSON.stringify(body));

/** JSON texts of tasks, most of which a server takes. */
export const goodBodies: fc.Arbitrary<string> = textsOf(WELL);

/** These, and as many that stray from what may be asked. */
export const specBodies: fc.Arbitrary<string> = fc.oneof(goodBodies, textsOf(ILL));
