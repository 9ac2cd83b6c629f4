import { describe, expect, it } from 'vitest';
import { createSecretBox } from '../../../src/access/secret-box.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { newTaskId } from '../../../src/tasks/ids.ts';

const ids = createIdSource(() => 0);
const [task, other] = [newTaskId(ids), newTaskId(ids)];
const box = createSecretBox('x'.repeat(64));
const place = { task, index: 0 };
const bytes = Buffer.from('hush ✓');

const changed = (sealed: string, at: number): string => {
  const all = Buffer.from(sealed, 'base64url');
  all[at < 0 ? all.length + at : at] = (all.at(at) ?? 0) ^ 1;
  return all.toString('base64url');
};

describe('a sealed text', () => {
  it('is opened by every process of the installation, and differs each time', () => {
    const sealed = box.seal(place, bytes);
    expect(Buffer.from(createSecretBox('x'.repeat(64)).open(place, sealed))).toEqual(bytes);
    expect(box.seal(place, bytes)).not.toBe(sealed);
    expect(Buffer.from(sealed, 'base64url').includes('hush')).toBe(false);
    expect(box.open(place, box.seal(place, Buffer.alloc(0)))).toHaveLength(0);
  });

  it('opens for its own place alone', () => {
    const sealed = box.seal(place, bytes);
    for (const wrong of [
      { task: other, index: 0 },
      { task, index: 1 },
    ]) {
      expect(() => box.open(wrong, sealed)).toThrow('changed, or belong to another task');
    }
  });

  it.each([
    ['version', 0, 'not written by this version'],
    ['name of the key', 1, 'another install secret'],
    ['nonce', 5, 'changed'],
    ['text', 17, 'changed'],
    ['tag', -1, 'changed'],
  ])('does not open when its %s is changed', (_, at, why) => {
    expect(() => box.open(place, changed(box.seal(place, bytes), at))).toThrow(why);
  });

  it.each(['', 'AQ', '{"hook_secret":"x"}', '!'])('does not open when it is %j', (text) => {
    expect(() => box.open(place, text)).toThrow('not written by this version');
  });

  it('says so when it was sealed with another install secret, and nothing of itself', () => {
    const sealed = box.seal(place, bytes);
    const open = () => createSecretBox('y'.repeat(64)).open(place, sealed);
    expect(open).toThrow(expect.objectContaining({ code: 'SECRET_UNREADABLE' }));
    expect(open).toThrow(/another install secret; give the server the `secret` it had/);
    expect(open).not.toThrow(sealed);
  });
});

it('prints of texts are the same in an installation and others elsewhere', () => {
  expect(box.print('a')).toBe(createSecretBox('x'.repeat(64)).print('a'));
  const prints = [box.print('a'), box.print('b'), createSecretBox('y'.repeat(64)).print('a')];
  expect(new Set(prints).size).toBe(3);
});
