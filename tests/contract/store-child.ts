/** A process of its own: creates tasks eight at a time and prints each id, and its key, once it is acknowledged, until it is killed. Arguments: store, where, start of the keys. */
import { writeSync } from 'node:fs';
import { childCreation } from './child-creation.ts';
import { CALL, range } from './store-site.ts';
import { OPENERS } from './store-openers.ts';

const [name = '', where = '', keys = ''] = process.argv.slice(2);
const opener = OPENERS[name];
if (opener === undefined) throw new Error(`no store is called ${name}`);
const { store } = await opener(where);

let count = 0;

const createForEver = async (): Promise<void> => {
  for (;;) {
    const key = `${keys}${String((count += 1))}`;
    const { task, part, once } = childCreation(key);
    await store.create(task, [part], { ...CALL, once });
    writeSync(1, `${task.id} ${key}\n`);
  }
};

await Promise.all(range(8).map(createForEver));
