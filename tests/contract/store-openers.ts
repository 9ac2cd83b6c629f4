/** How the tests open each store, by name. */
import type { OpenStore } from '../../src/store/change-hub.ts';
import { createMongoStore } from '../../src/store/mongo/mongo-store.ts';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';

export const OPENERS: Readonly<Record<string, (where: string) => OpenStore | Promise<OpenStore>>> =
  {
    sqlite: (path) => createSqliteStore({ path }),
    mongo: (url) => createMongoStore({ url }),
  };
