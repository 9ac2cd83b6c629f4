/** Random walks over the table of states. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  TASK_STATES,
  TRANSITIONS,
  assertMove,
  isTaskState,
  isTerminal,
  type TaskState,
} from '../../src/tasks/states.ts';

const anyState = fc.constantFrom(...TASK_STATES);

const isLegal = (from: TaskState, to: TaskState): boolean => {
  try {
    assertMove(from, to);
    return true;
  } catch {
    return false;
  }
};

/** Follows the choices from QUEUED as far as moves are legal. */
const walk = (choices: readonly TaskState[]): readonly TaskState[] =>
  choices.reduce<readonly TaskState[]>(
    (path, next) => (isLegal(path.at(-1) ?? 'QUEUED', next) ? [...path, next] : path),
    ['QUEUED'],
  );

describe('the table of states', () => {
  it('lets a walk end only once, in a state without exits', () => {
    fc.assert(
      fc.property(fc.array(anyState, { maxLength: 40 }), (choices) => {
        const path = walk(choices);
        const ends = path.filter(isTerminal);
        expect(ends.length).toBeLessThanOrEqual(1);
        if (ends.length === 1) expect(path.at(-1)).toBe(ends[0]);
      }),
    );
  });

  it('never returns to QUEUED and never shows what clients hang on', () => {
    const hidden: readonly TaskState[] = ['UNKNOWN', 'PAUSED', 'PREEMPTED', 'CANCELING'];
    fc.assert(
      fc.property(fc.array(anyState, { maxLength: 40 }), (choices) => {
        const [, ...later] = walk(choices);
        expect(later.filter((state) => state === 'QUEUED' || hidden.includes(state))).toEqual([]);
      }),
    );
  });

  it('allows exactly the moves of the table', () => {
    fc.assert(
      fc.property(anyState, anyState, (from, to) => {
        const exits: readonly TaskState[] = TRANSITIONS[from];
        expect(isLegal(from, to)).toBe(exits.includes(to));
      }),
    );
  });

  it('leads every live state to each way of ending', () => {
    const live = TASK_STATES.filter((state) => TRANSITIONS[state].length > 0);
    for (const state of live) {
      expect(TRANSITIONS[state]).toEqual(expect.arrayContaining(['CANCELED', 'SYSTEM_ERROR']));
    }
  });

  it('recognises its own states and nothing else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(isTaskState(text)).toBe(TASK_STATES.some((state) => state === text));
      }),
    );
  });
});
