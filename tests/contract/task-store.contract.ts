/** What every task store must do. A store's own test file calls this with a way to make an empty database. */
import { afterEach, beforeEach, describe } from 'vitest';
import { storeBasics } from './store-basics.contract.ts';
import { storeChanges } from './store-changes.contract.ts';
import { storeInvariants } from './store-invariants.contract.ts';
import { storeLists } from './store-lists.contract.ts';
import { storeRepeats } from './store-repeats.contract.ts';
import type { SiteOf, StoreSite } from './store-site.ts';

export interface TaskStoreHost {
  readonly name: string;
  /** Makes an empty database and opens it, once or as several processes would; called before each test. */
  setup(): Promise<StoreSite>;
}

export const taskStoreContract = (host: TaskStoreHost): void => {
  describe(`task store on ${host.name}`, () => {
    let current: StoreSite | undefined;
    const site: SiteOf = () => {
      if (current === undefined) throw new Error('no test is running');
      return current;
    };
    beforeEach(async () => {
      current = await host.setup();
    });
    afterEach(async () => {
      await current?.teardown();
      current = undefined;
    });
    storeBasics(site);
    storeInvariants(site);
    storeLists(site);
    storeRepeats(site);
    storeChanges(site);
  });
};
