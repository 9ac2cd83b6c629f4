/** Bodies that servers have fallen over, each with the answer it deserves. */

export interface NastyBody {
  readonly name: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly status: 200 | 400 | 413;
  /** The place that a refusal of the task names; absent where the body is no JSON at all. */
  readonly field?: string;
}

const MIB = 1024 * 1024;
const EXECUTOR = '{"image":"alpine","command":["true"]}';
const EXECUTORS = `"executors":[${EXECUTOR}]`;

/** A task that is good but for these members, as JSON text. */
const task = (members: string): string => `{${members},${EXECUTORS}}`;

const executor = (members: string): string =>
  `{"executors":[{"image":"alpine","command":["true"],${members}}]}`;

const many = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => text(index)).join(',');

const nested = (depth: number, open: string, close: string): string =>
  open.repeat(depth) + close.repeat(depth);

const bytes = (...pieces: readonly (string | readonly number[])[]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(Buffer.concat(pieces.map((piece) => Buffer.from(piece as string))));

const DEEP = nested(10_000, '[', ']');

export const NASTY_BODIES: readonly NastyBody[] = [
  { name: 'nothing', body: '', status: 400 },
  { name: 'a blank', body: ' ', status: 400 },
  { name: 'null', body: 'null', status: 400, field: '' },
  { name: 'a list', body: `[${EXECUTOR}]`, status: 400, field: '' },
  { name: 'lists 10,000 deep', body: DEEP, status: 400, field: '' },
  {
    name: 'objects 10,000 deep',
    body: '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000),
    status: 400,
    field: '',
  },
  {
    name: 'lists 10,000 deep in an unknown field',
    body: task(`"x":${DEEP}`),
    status: 400,
    field: '',
  },
  {
    name: 'lists 10,000 deep in a tag',
    body: task(`"tags":{"a":${DEEP}}`),
    status: 400,
    field: '',
  },
  { name: 'lists without end', body: '['.repeat(MIB), status: 400 },
  {
    name: '1e400 GB of memory',
    body: task('"resources":{"ram_gb":1e400}'),
    status: 400,
    field: 'resources.ram_gb',
  },
  {
    name: '-1e400 GB of disk',
    body: task('"resources":{"disk_gb":-1e400}'),
    status: 400,
    field: 'resources.disk_gb',
  },
  {
    name: '1e400 cores',
    body: task('"resources":{"cpu_cores":1e400}'),
    status: 400,
    field: 'resources.cpu_cores',
  },
  { name: '1e400 as a name', body: task('"name":1e400'), status: 400, field: 'name' },
  { name: '1e400 in an unknown field', body: task('"x":1e400'), status: 200 },
  {
    name: 'a core too many for 32 bits',
    body: task('"resources":{"cpu_cores":2147483648}'),
    status: 400,
    field: 'resources.cpu_cores',
  },
  {
    name: 'a number of 100,000 digits',
    body: task(`"resources":{"cpu_cores":${'9'.repeat(100_000)}}`),
    status: 400,
    field: 'resources.cpu_cores',
  },
  {
    name: 'a number next to nothing',
    body: task('"resources":{"cpu_cores":-0,"ram_gb":1e-400}'),
    status: 200,
  },
  { name: 'no number', body: task('"resources":{"ram_gb":NaN}'), status: 400 },
  { name: 'executors twice, the last good', body: `{"executors":[],${EXECUTORS}}`, status: 200 },
  {
    name: 'executors twice, the last empty',
    body: `{${EXECUTORS},"executors":[]}`,
    status: 400,
    field: 'executors',
  },
  {
    name: 'a name in both spellings of a field',
    body: executor('"ignore_error":true,"ignoreError":"no"'),
    status: 200,
  },
  {
    name: '__proto__ with the executors',
    body: `{"__proto__":{${EXECUTORS}}}`,
    status: 400,
    field: 'executors',
  },
  {
    name: '__proto__ beside the executors',
    body: task('"__proto__":{"name":"sly","state":"COMPLETE"}'),
    status: 200,
  },
  { name: '__proto__ null', body: task('"__proto__":null'), status: 200 },
  {
    name: '__proto__ as an executor',
    body: '{"executors":[{"__proto__":{"image":"a","command":["b"]}}]}',
    status: 400,
    field: 'executors[0].command',
  },
  {
    name: '__proto__ as a list',
    body: '{"executors":{"__proto__":[],"length":1,"0":{}}}',
    status: 400,
    field: 'executors',
  },
  {
    name: 'constructor and prototype',
    body: task('"constructor":{"prototype":{"name":"sly"}},"prototype":{"name":"sly"}'),
    status: 200,
  },
  {
    name: 'toJSON, toString and valueOf',
    body: task('"toJSON":"x","toString":1,"valueOf":{},"tags":{"toJSON":"x","toString":"y"}'),
    status: 200,
  },
  {
    name: 'constructor as a tag and a variable',
    body: `{"tags":{"constructor":"c"},"executors":[{"image":"a","command":["b"],"env":{"constructor":"c"}}]}`,
    status: 200,
  },
  {
    name: '__proto__ as a tag that is no text',
    body: task('"tags":{"__proto__":{"a":"b"}}'),
    status: 400,
    field: 'tags.__proto__',
  },
  {
    name: '__proto__ as a backend parameter',
    body: task('"resources":{"backend_parameters":{"__proto__":"x"}}'),
    status: 200,
  },
  {
    name: 'half a surrogate pair in a name',
    body: task('"name":"\\ud800"'),
    status: 400,
    field: 'name',
  },
  {
    name: 'the other half in a command',
    body: '{"executors":[{"image":"a","command":["b","\\udc00\\ud800"]}]}',
    status: 400,
    field: 'executors[0].command[1]',
  },
  {
    name: 'half a pair as the key of a tag',
    body: task('"tags":{"\\ud800":"x"}'),
    status: 400,
    field: 'tags["\\ud800"]',
  },
  { name: 'half a pair as an unknown key', body: task('"\\ud800":"\\udfff"'), status: 200 },
  { name: 'NUL by an escape', body: task('"name":"a\\u0000b"'), status: 400, field: 'name' },
  { name: 'NUL as a byte', body: task('"name":"a\0b"'), status: 400 },
  { name: 'NUL behind the end', body: `${task('"name":"a"')}\0`, status: 400 },
  { name: 'a byte order mark', body: `\uFEFF${task('"name":"a"')}`, status: 200 },
  { name: 'two byte order marks', body: `\uFEFF\uFEFF${task('"name":"a"')}`, status: 400 },
  {
    name: 'UTF-16',
    body: Uint8Array.from(Buffer.from(task('"name":"a"'), 'utf16le')),
    status: 400,
  },
  {
    name: 'a surrogate as bytes',
    body: bytes('{"name":"', [0xed, 0xa0, 0x80], `",${EXECUTORS}}`),
    status: 400,
  },
  {
    name: 'an overlong slash',
    body: bytes('{"name":"', [0xc0, 0xaf], `",${EXECUTORS}}`),
    status: 400,
  },
  {
    name: '10,000 executors',
    body: `{"executors":[${many(10_000, () => EXECUTOR)}]}`,
    status: 400,
    field: 'executors',
  },
  { name: '1,000 executors', body: `{"executors":[${many(1_000, () => EXECUTOR)}]}`, status: 200 },
  {
    name: '1,000 bad executors',
    body: `{"executors":[${many(1_000, () => '{}')}]}`,
    status: 400,
    field: 'executors[0].command',
  },
  {
    name: 'a million arguments',
    body: `{"executors":[{"image":"a","command":[${many(1_000_000, () => '"0"')}]}]}`,
    status: 400,
    field: 'executors[0].command',
  },
  {
    name: '100,000 tags',
    body: task(`"tags":{${many(100_000, (n) => `"${String(n)}":""`)}}`),
    status: 400,
    field: 'tags',
  },
  {
    name: '100,000 unknown fields',
    body: task(many(100_000, (n) => `"x${String(n)}":${String(n)}`)),
    status: 200,
  },
  {
    name: 'a name of 15 MiB',
    body: task(`"name":"${'a'.repeat(15 * MIB)}"`),
    status: 400,
    field: 'name',
  },
  {
    name: 'a tag with a key of 1 MiB',
    body: task(`"tags":{"${'k'.repeat(MIB)}":""}`),
    status: 400,
    field: `tags.${'k'.repeat(64)}`,
  },
  {
    name: 'a path of 1 MiB of folders',
    body: task(`"inputs":[{"path":"${'/a'.repeat(MIB / 2)}","content":""}]`),
    status: 400,
    field: 'inputs[0].path',
  },
  {
    name: 'a pattern of 100 wildcards',
    body: task(
      `"outputs":[{"url":"https://h/","path":"/w/${'*a'.repeat(100)}b","path_prefix":"/w"}]`,
    ),
    status: 200,
  },
  { name: 'a byte above the limit', body: ' '.repeat(16 * MIB + 1), status: 413 },
];
