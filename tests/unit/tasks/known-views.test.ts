/** Views are known for one revision, and up to a total length. */
import { describe, expect, it } from 'vitest';
import { createKnownViews } from '../../../src/tasks/known-views.ts';
import { newTask } from '../../support/tasks.ts';

const newRevision = () => ({ id: newTask().id, rev: 1 });
const { id } = newRevision();

describe('createKnownViews', () => {
  it('knows the revision it was given, and no other', () => {
    const views = createKnownViews(100);
    views.keep({ id, rev: 2 }, 'second');
    expect(views.of({ id, rev: 2 })).toBe('second');
    expect(views.of({ id, rev: 3 })).toBeUndefined();
    views.keep({ id, rev: 3 }, 'third');
    expect(views.of({ id, rev: 3 })).toBe('third');
    expect(views.of({ id, rev: 2 })).toBeUndefined();
  });

  it('forgets the oldest once all are longer than allowed', () => {
    const views = createKnownViews(10);
    const [first, second, third] = [newRevision(), newRevision(), newRevision()];
    views.keep(first, 'aaaa');
    views.keep(second, 'bbbb');
    views.keep(second, 'bbbbbb'); // in place of the other, so that all still fit
    expect(views.of(first)).toBe('aaaa');
    views.keep(third, 'cc');
    expect([first, second, third].map(views.of)).toEqual([undefined, 'bbbbbb', 'cc']);
  });

  it('does not keep a view that is longer than hundreds of others', () => {
    const views = createKnownViews(1_000_000);
    views.keep({ id, rev: 1 }, 'x');
    views.keep({ id, rev: 2 }, 'x'.repeat(33 * 1024));
    expect(views.of({ id, rev: 2 })).toBeUndefined();
    expect(views.of({ id, rev: 1 })).toBeUndefined();
  });
});
