/** What the child program creates under a key, so that others can create the same. */
import type { Once } from '../../src/tasks/ports/task-store.ts';
import type { Part } from '../../src/tasks/task.ts';
import { newTask } from '../support/tasks.ts';

export const childCreation = (key: string) => {
  const task = newTask({ spec: { name: 'child' } });
  const part: Part = { task: task.id, attempt: 0, kind: 'content', index: 0, text: 'text' };
  const once: Once = { key, print: 'child', at: 0, until: Number.MAX_SAFE_INTEGER };
  return { task, part, once };
};
