/** What server and runner must agree on is written down in both; here it is compared. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SHOWN } from '../../../src/dispatcher/destination-line.ts';
import { folderOfMatches, hasWildcard } from '../../../src/tasks/validation/patterns.ts';
import { KERNEL_FOLDERS, SYSTEM_FOLDERS } from '../../../src/tasks/validation/text-rules.ts';

const PATHS = ['/a/b', '/a/*.txt', '/?/b', '/a/[bc]d/e', '/a/[!b]', '/a[', '/a]', '/a[]', '/a[]]']
  .concat([
    '/a[!]',
    '/a[!]]',
    '/a[b/c]',
    '/a[]/]',
    '/a[[]',
    '/[x[y]',
    '/a[^b]/c',
    '/[a-z]/[',
    '//a//*',
  ])
  .concat(['/./[!', '/a/./b?']);

interface Tables {
  readonly system: readonly string[];
  readonly kernel: readonly string[];
  readonly shown: readonly string[];
  readonly patterns: readonly (readonly [isPattern: boolean, base: string])[];
}

const READ = `
import json, sys
from src.bubblewrap import HOST_FOLDERS
from src.paths import is_pattern, KERNEL_FOLDERS, output_base, SYSTEM_FOLDERS
print(json.dumps({
    'system': sorted(SYSTEM_FOLDERS),
    'kernel': KERNEL_FOLDERS,
    'shown': ['/' + name for name in HOST_FOLDERS],
    'patterns': [[is_pattern(path), output_base(path)] for path in json.load(sys.stdin)],
}))
`;

const runner = JSON.parse(
  execFileSync('python3', ['-B', '-c', READ], {
    cwd: fileURLToPath(new URL('../../../runner', import.meta.url)),
    input: JSON.stringify(PATHS),
    encoding: 'utf8',
  }),
) as Tables;

describe('server and runner agree on', () => {
  it('the folders of an image that no task replaces', () => {
    expect([...SYSTEM_FOLDERS].sort()).toEqual(runner.system);
    expect(KERNEL_FOLDERS).toEqual(runner.kernel);
  });

  it('the folders of its host that bubblewrap shows', () => {
    expect(SHOWN).toEqual(runner.shown);
  });

  it.each(PATHS.map((path, index) => [path, runner.patterns[index]] as const))(
    'whether %s is a pattern, and where its matches lie',
    (path, expected) => {
      expect([hasWildcard(path), folderOfMatches(path)]).toEqual(expected);
    },
  );
});
