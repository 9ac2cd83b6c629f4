/** What the smoke tests of TESP API look for in tasks, as a table of our own; S-numbers are capabilities of TESP API. */
import type { StorageLab } from '../../support/storage/lab.ts';
import type { UploadServer } from '../../support/storage/upload-server.ts';

export interface Places {
  readonly lab: StorageLab;
  readonly web: UploadServer;
}

export interface Step {
  readonly task: object;
  /** COMPLETE unless it says otherwise. */
  readonly end?: 'COMPLETE' | 'EXECUTOR_ERROR';
  /** Exit codes of the executors that ran; left out = not looked at. */
  readonly codes?: readonly number[];
  /** Standard output of the executors, where it is not redirected. */
  readonly stdout?: readonly (string | RegExp)[];
  /** Its first command waits for the mark that is set once the task was seen RUNNING. */
  readonly isGated?: true;
}

export interface Case {
  readonly name: string;
  readonly steps: (places: Places) => readonly Step[];
  /** What the upload server has afterwards: names and texts. */
  readonly uploaded?: Readonly<Record<string, string>>;
}

export const GATE = '/marks/seen-running';

const AWAIT_GATE = `until [ -e ${GATE} ]; do sleep 0.05; done`;
const run = (...command: readonly string[]) => ({ image: 'ubuntu', command });
const sh = (script: string) => run('sh', '-c', script);
const gated = (script: string) => sh(`${AWAIT_GATE}; ${script}`);
const script = (content: string) => ({ path: '/data/script', content: `${content}\n` });

const failsAt = (bad: number): Step => ({
  task: {
    executors: [0, 1, 2].map((i) => (i === 0 ? gated : sh)(i === bad ? 'exit 1' : 'exit 0')),
  },
  end: 'EXECUTOR_ERROR',
  codes: [0, 0, 0].slice(0, bad).concat(1),
  isGated: true,
});

const TEST_TEXT = 'this is a test file\n';

/** A file on FTP and one on S3, each by the credentials and the service that its URL holds. */
const bothWith = (text: string, { lab }: Places): readonly Step[] => {
  const [ftp, s3] = [lab.shelves.ftp.openUrl('upload.txt'), lab.shelves.s3.openUrl('upload.txt')];
  const files = [
    { path: '/data/upload_ftp', url: ftp, type: 'FILE' },
    { path: '/data/upload_s3', url: s3, type: 'FILE' },
  ];
  const write = script(`echo ${text} | tee /data/upload_ftp /data/upload_s3`);
  const check = script(
    `grep -Fxq ${text} /data/upload_ftp && grep -Fxq ${text} /data/upload_s3`,
  );
  return [
    { task: { inputs: [write], outputs: files, executors: [run('sh', '/data/script')] } },
    { task: { inputs: [check, ...files], executors: [run('sh', '/data/script')] } },
  ];
};

/** A text into a file on FTP and out of it again, by two tasks. */
const throughFtp = (
  text: string,
  executor: object,
  { lab }: Places,
  inputs: readonly object[] = [],
): readonly Step[] => {
  const file = { path: '/data/test-std', url: lab.shelves.ftp.openUrl('test-std'), type: 'FILE' };
  return [
    { task: { inputs, outputs: [file], executors: [executor] } },
    { task: { inputs: [file], executors: [run('grep', '-Fxq', text, '/data/test-std')] } },
  ];
};

/** The second executor finds what was redirected into a volume by the first. */
const throughVolume = (text: string, executor: object, inputs: readonly object[] = []): Step => ({
  task: {
    inputs,
    volumes: ['/data/'],
    executors: [executor, run('grep', '-Fxq', text, '/data/test-std')],
  },
});

const TO_STDOUT = { ...run('echo', 'hello-world-stdout'), stdout: '/data/test-std' };
const TO_STDERR = { ...run('sh', '/data/script'), stderr: '/data/test-std' };
const SAYS_STDERR = [script('echo hello-world-stderr >&2')];

export const CASES: readonly Case[] = [
  {
    name: 'S1.27: a task that succeeds is seen RUNNING and ends as COMPLETE',
    steps: () => [
      { task: { executors: [gated('echo done')] }, codes: [0], stdout: ['done\n'], isGated: true },
    ],
  },
  {
    name: 'S1.27: a task that fails is seen RUNNING and ends as EXECUTOR_ERROR',
    steps: () => [
      {
        task: { executors: [gated('false')] },
        end: 'EXECUTOR_ERROR',
        codes: [1],
        isGated: true,
      },
      // An argv is no shell line: sleep gets '&&' as an interval and fails.
      {
        task: { executors: [run('sleep', '5', '&&', 'true')] },
        end: 'EXECUTOR_ERROR',
        codes: [1],
      },
    ],
  },
  {
    name: 'S1.18: three executors that succeed are COMPLETE',
    steps: () => [
      {
        task: { executors: [gated('echo 1'), sh('echo 2'), sh('echo 3')] },
        stdout: ['1\n', '2\n', '3\n'],
        codes: [0, 0, 0],
        isGated: true,
      },
    ],
  },
  {
    name: 'S1.18: of three executors none runs after the first, second or third that fails',
    steps: () => [0, 1, 2].map(failsAt),
  },
  {
    name: 'S1.13, S1.14, S1.40: an input by content beside one over HTTP',
    steps: ({ web }) => [
      {
        task: {
          inputs: [
            { path: '/data/file_direct', content: 'cat /data/file_http', type: 'FILE' },
            { path: '/data/file_http', url: `${web.url}/test_data/test.txt`, type: 'FILE' },
          ],
          executors: [run('sh', '/data/file_direct')],
        },
        stdout: [TEST_TEXT],
      },
    ],
  },
  {
    name: 'S1.15, S1.17, S1.43, S1.46: a folder by its index page, and a file and a folder by forms',
    steps: ({ web }) => [
      {
        task: {
          inputs: [
            { type: 'FILE', url: `${web.url}/test_data/input_file.txt`, path: '/data/in.txt' },
            { type: 'DIRECTORY', url: `${web.url}/test_data/input_dir/`, path: '/data/in' },
          ],
          outputs: [
            { type: 'FILE', url: `${web.url}/upload`, path: '/data/output_file.txt' },
            { type: 'DIRECTORY', url: `${web.url}/upload`, path: '/data/results' },
          ],
          executors: [
            {
              ...sh('mkdir -p results && cp in.txt output_file.txt && cp -r in/. results/'),
              workdir: '/data',
            },
          ],
        },
      },
    ],
    uploaded: {
      'output_file.txt': 'the file\n',
      'dir1/one.txt': 'one\n',
      'dir2/two.txt': 'two\n',
    },
  },
  {
    name: 'S1.23: a volume shows the second executor what the first left there',
    steps: ({ web }) => [
      {
        task: {
          inputs: [{ path: '/data/file_http', url: `${web.url}/test_data/test.txt` }],
          volumes: ['/vol/'],
          executors: [
            sh('cp /data/file_http /vol/ && cat /vol/file_http'),
            run('cat', '/vol/file_http'),
          ],
        },
        stdout: [TEST_TEXT, TEST_TEXT],
      },
    ],
  },
  {
    name: 'S1.20, S1.43: variables reach the command, and what it wrote the upload server',
    steps: ({ web }) => [
      {
        task: {
          outputs: ['env_test_1', 'env_test_2'].map((name) => ({
            path: `/made/by/the/way/${name}`,
            url: `${web.url}/upload`,
            type: 'FILE',
          })),
          executors: [
            {
              ...sh('cd /made/by/the/way; echo "$FIRST" > env_test_1; echo "$SECOND" > env_test_2'),
              env: { FIRST: 'first upload', SECOND: 'second $HOME "upload"' },
            },
          ],
        },
      },
    ],
    uploaded: { env_test_1: 'first upload\n', env_test_2: 'second $HOME "upload"\n' },
  },
  {
    name: 'S1.19: commands run in their working folder, also in one of the system',
    steps: () => [
      {
        task: {
          executors: [
            { ...run('cat', './proc/cpuinfo'), workdir: '/' },
            { ...run('./pwd'), workdir: '/bin' },
            { ...run('cat', './cpuinfo'), workdir: '/proc' },
          ],
        },
        stdout: [/processor/, /bin\n$/, /processor/],
      },
    ],
  },
  {
    name: 'S1.24, S1.25: a task that asks for resources runs',
    steps: () => [
      {
        task: {
          resources: {
            cpu_cores: 1,
            preemptible: false,
            ram_gb: 1,
            disk_gb: 1,
            zones: ['us-west-1'],
          },
          executors: [run('true')],
        },
        codes: [0],
      },
    ],
  },
  {
    name: 'S1.41, S1.42, S1.44, S1.45: files to FTP and S3 and back, written twice',
    steps: (places) => [...bothWith('none', places), ...bothWith('hello_world', places)],
  },
  {
    name: 'S1.21, S1.42, S1.45: a file on S3 as standard input',
    steps: ({ lab }) => {
      const file = { path: '/data/file', url: lab.shelves.s3.openUrl('stdin.txt'), type: 'FILE' };
      return [
        { task: { outputs: [file], executors: [sh('printf hello-world > /data/file')] } },
        {
          task: { inputs: [file], executors: [{ ...run('cat'), stdin: '/data/file' }] },
          stdout: ['hello-world'],
        },
      ];
    },
  },
  {
    name: 'S1.21, S1.44: standard output into a volume, and into a file on FTP',
    steps: (places) => [
      throughVolume('hello-world-stdout', TO_STDOUT),
      ...throughFtp('hello-world-stdout', TO_STDOUT, places),
    ],
  },
  {
    name: 'S1.21, S1.44: standard error into a volume, and into a file on FTP',
    steps: (places) => [
      throughVolume('hello-world-stderr', TO_STDERR, SAYS_STDERR),
      ...throughFtp('hello-world-stderr', TO_STDERR, places, SAYS_STDERR),
    ],
  },
];
