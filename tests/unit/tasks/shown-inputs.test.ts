import { describe, expect, it } from 'vitest';
import { isShown } from '../../../src/tasks/shown-inputs.ts';
import type { PlanInput } from '../../../src/tasks/plan.ts';

const input = (path: string, ...files: readonly string[]): PlanInput => ({
  i: 0,
  path,
  type: 'DIRECTORY',
  method: 'mount',
  files,
});

describe('C28: an input that a mount shows', () => {
  const mounts = [
    { host: '/srv/work/', path: '/srv/work', mode: 'rw' },
    { host: '/data/ref', path: '/ref', mode: 'ro' },
  ] as const;

  it.each([
    ['the mount itself', '/srv/work', ['/srv/work']],
    ['below it, with a slash at the end', '/srv/work/store/', ['/srv/work/store']],
    ['under another path', '/ref/hg38', ['/data/ref/hg38']],
    ['the second reading of a URL', '/srv/work/a b', ['/srv/work/a%20b', '/srv/work/a b']],
  ])('is not brought: %s', (_, path, files) => {
    expect(isShown(input(path, ...files), mounts)).toBe(true);
  });

  it.each([
    ['another file than the mount shows there', '/srv/work/store', ['/srv/other/store']],
    ['beside the mount, with its name as a prefix', '/srv/works', ['/srv/works']],
    ['above the mount', '/srv', ['/srv']],
    ['a way out of it', '/srv/work/../etc', ['/srv/work/../etc']],
    ['from the mount to elsewhere', '/in/store', ['/srv/work/store']],
  ])('is brought, or refused by the runner: %s', (_, path, files) => {
    expect(isShown(input(path, ...files), mounts)).toBe(false);
  });

  it('is brought when it comes by content or over HTTP', () => {
    const base = { i: 0, path: '/srv/work/a', type: 'FILE' } as const;
    expect(isShown({ ...base, method: 'content', content: '' }, mounts)).toBe(false);
    expect(isShown({ ...base, method: 'direct', url: 'http://h/srv/work/a' }, mounts)).toBe(false);
  });
});
