/** Shapes of data and what becomes of them, the same on each storage. */

export interface Place {
  /** Below the folder of the case on the storage. */
  readonly at: string;
  readonly path: string;
  readonly type?: 'FILE' | 'DIRECTORY';
  readonly path_prefix?: string;
}

/** Path in the task, place on the storage, content; and what lies there at the end, where that is something else. */
type Delivered = readonly [path: string, at: string, content: string, left?: string];

export interface Shape {
  readonly what: string;
  readonly stored?: Readonly<Record<string, string>>;
  /** Empty ones; such rows are not for S3, which has names and no folders. */
  readonly storedFolders?: readonly string[];
  readonly inputs?: readonly Place[];
  readonly contents?: readonly (readonly [path: string, content: string])[];
  readonly outputs?: readonly Place[];
  /** Run by bash; `/w` is a volume. */
  readonly script: string;
  readonly stdout?: string;
  readonly delivered?: readonly Delivered[];
  /** In `system_logs`. */
  readonly told?: readonly string[];
}

const tree = { at: 'in', path: '/data/in', type: 'DIRECTORY' } as const;
const out = { at: 'out', path: '/w/out', type: 'DIRECTORY' } as const;

const DEEP = Array.from({ length: 40 }, (_, i) => `d${String(i)}`).join('/');
const MANY = Array.from({ length: 2_000 }, (_, i) => `f${String(i).padStart(4, '0')}`);
const ODD = ['a b', 'a%20b', 'a#b', 'a?b', `a'b"c`, 'é 日本', 'a+b&c=d', 'a\\b', ' x '];

export const SHAPES: readonly Shape[] = [
  {
    what: 'a tree of 40 levels, both ways',
    stored: { [`in/${DEEP}/f`]: 'deep' },
    inputs: [tree],
    outputs: [out],
    script: 'mkdir -p /w/out; cp -r /data/in/. /w/out/',
    delivered: [[`/w/out/${DEEP}/f`, `out/${DEEP}/f`, 'deep']],
  },
  {
    what: '2,000 small files in one folder, both ways',
    stored: Object.fromEntries(MANY.map((name) => [`in/${name}`, name])),
    inputs: [tree],
    outputs: [out],
    script: 'ls /data/in | wc -l; mkdir -p /w/out; cp -r /data/in/. /w/out/',
    stdout: '2000\n',
    delivered: MANY.map((name) => [`/w/out/${name}`, `out/${name}`, name]),
  },
  {
    what: 'empty folders in an input',
    stored: { 'in/f': '1' },
    storedFolders: ['in/empty/inner'],
    inputs: [tree],
    script: 'cd /data/in; find . -type d | sort',
    stdout: '.\n./empty\n./empty/inner\n',
  },
  {
    what: 'a FILE output that is a folder',
    outputs: [{ at: 'out', path: '/w/out', type: 'FILE' }],
    script: 'mkdir -p /w/out/d; echo 1 >/w/out/f; echo 22 >/w/out/d/g',
    delivered: [
      ['/w/out/f', 'out/f', '1\n'],
      ['/w/out/d/g', 'out/d/g', '22\n'],
    ],
  },
  {
    what: 'globs with a prefix',
    outputs: [{ at: 'out', path: '/w/o/*/x?.[ab]', path_prefix: '/w/o' }],
    script: 'mkdir -p /w/o/p /w/o/q; cd /w/o; touch p/x1.a q/x2.b q/x3.c q/.x1.a; echo 1 >p/xx.b',
    delivered: [
      ['/w/o/p/x1.a', 'out/p/x1.a', ''],
      ['/w/o/p/xx.b', 'out/p/xx.b', '1\n'],
      ['/w/o/q/x2.b', 'out/q/x2.b', ''],
    ],
  },
  {
    what: 'odd names, both ways',
    stored: Object.fromEntries(ODD.map((name) => [`in/${name}`, name])),
    inputs: [tree],
    outputs: [out],
    script: 'ls /data/in | wc -l; mkdir -p /w/out; cp -r /data/in/. /w/out/',
    stdout: `${String(ODD.length)}\n`,
    delivered: ODD.map((name) => [`/w/out/${name}`, `out/${name}`, name]),
  },
  {
    what: 'a file of no bytes, both ways',
    stored: { empty: '' },
    inputs: [{ at: 'empty', path: '/data/empty' }],
    outputs: [{ at: 'copy', path: '/w/copy' }],
    script: 'test -f /data/empty; cp /data/empty /w/copy',
    delivered: [['/w/copy', 'copy', '']],
  },
  {
    what: 'one URL at two paths',
    stored: { f: 'one' },
    inputs: [
      { at: 'f', path: '/data/a' },
      { at: 'f', path: '/data/b' },
    ],
    script: 'cat /data/a /data/b',
    stdout: 'oneone',
  },
  ...[false, true].map((isInnerFirst): Shape => {
    const inputs: readonly Place[] = [tree, { at: 'inner', path: '/data/in/d/f' }];
    return {
      what: `an input in another, the ${isInnerFirst ? 'inner' : 'outer'} one first`,
      stored: { 'in/d/f': 'outer', 'in/d/g': 'g', inner: 'inner' },
      inputs: isInnerFirst ? inputs.toReversed() : inputs,
      script: 'cat /data/in/d/f /data/in/d/g',
      stdout: 'innerg',
    };
  }),
  {
    what: 'an input in the folder of an output',
    stored: { f: 'given' },
    inputs: [{ at: 'f', path: '/w/out/given' }],
    outputs: [out],
    script: 'echo made >/w/out/made',
    delivered: [
      ['/w/out/given', 'out/given', 'given'],
      ['/w/out/made', 'out/made', 'made\n'],
    ],
  },
  {
    what: 'an output that is an input, at its path and its URL',
    stored: { f: 'before' },
    inputs: [{ at: 'f', path: '/w/f' }],
    outputs: [{ at: 'f', path: '/w/f' }],
    script: 'echo after >>/w/f',
    delivered: [['/w/f', 'f', 'beforeafter\n']],
  },
  {
    what: 'outputs that overlap: a folder and a file in it, one file to two URLs',
    outputs: [out, { at: 'f', path: '/w/out/f' }, { at: 'g', path: '/w/out/f' }],
    script: 'mkdir -p /w/out; echo 1 >/w/out/f',
    delivered: [
      ['/w/out/f', 'out/f', '1\n'],
      ['/w/out/f', 'f', '1\n'],
      ['/w/out/f', 'g', '1\n'],
    ],
  },
  {
    what: 'two outputs for one URL: the last one stays',
    outputs: [
      { at: 'f', path: '/w/a' },
      { at: 'f', path: '/w/b' },
    ],
    script: 'echo 1 >/w/a; echo 22 >/w/b',
    delivered: [
      ['/w/a', 'f', '1\n', '22\n'],
      ['/w/b', 'f', '22\n'],
    ],
  },
  {
    what: 'an output that is missing is told',
    outputs: [
      { at: 'f', path: '/w/f' },
      { at: 'none', path: '/w/none' },
    ],
    script: 'echo 1 >/w/f',
    delivered: [['/w/f', 'f', '1\n']],
    told: ['output 1 (/w/none) was not made'],
  },
  {
    what: 'links, pipes and names that are not UTF-8 in an output',
    outputs: [out],
    script:
      "mkdir -p /w/out; cd /w/out; echo 1 >f; ln f hard; ln -s f soft; ln -s /etc/passwd away; mkfifo pipe; echo 2 >$'b\\xffd'",
    delivered: [
      ['/w/out/f', 'out/f', '1\n'],
      ['/w/out/hard', 'out/hard', '1\n'],
      ['/w/out/soft', 'out/soft', '1\n'],
    ],
    told: [
      'left out of an output: /w/out/away',
      'left out of an output: /w/out/pipe: neither a file nor a folder',
      'left out of an output: /w/out/b\uFFFDd: the name is not UTF-8',
    ],
  },
];
