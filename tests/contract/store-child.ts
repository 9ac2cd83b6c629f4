/** A process of its own: creates tasks eight at a time and prints each id once it is acknowledged, until it is killed. Arguments: store, where. */
import { writeSync } from 'node:fs';
import { newTask } from '../support/tasks.ts';
import { CALL, range } from './store-site.ts';
import { OPENERS } from './store-openers.ts';

const [name = '', where = ''] = process.argv.slice(2);
const opener = OPENERS[name];
if (opener === undefined) throw new Error(`no store is called ${name}`);
const { store } = await opener(where);

const createForEver = async (): Promise<void> => {
  for (;;) {
    const task = newTask({ spec: { name: 'child' } });
    const part = { task: task.id, attempt: 0, kind: 'content', index: 0, text: 'text' } as const;
    await store.create(task, [part], CALL);
    writeSync(1, `${task.id}\n`);
  }
};

await Promise.all(range(8).map(createForEver));
