/** The MongoDB of the tests: the one named by MAGNETAR_TEST_MONGODB_URI, else FerretDB behind a serialising proxy. */
import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { canRunFerretDb, startFerretDb } from './ferretdb.ts';
import { startSerialisingProxy, type SerialisingProxy } from './serialising-proxy.ts';

const GIVEN = process.env['MAGNETAR_TEST_MONGODB_URI'];

export interface MongoServer {
  /** URL of a database that nobody has used before; dropped at the end. */
  newDatabase(): string;
  /** Present when the server is FerretDB behind the proxy. */
  readonly proxy?: SerialisingProxy;
  stop(): Promise<void>;
}

const withDatabase = (url: string, name: string): string =>
  url.replace(/^([^:]+:\/\/[^/?]+)\/?[^?]*/, `$1/${name}`);

const dropAll = async (url: string, names: readonly string[]): Promise<void> => {
  const client = new MongoClient(url);
  try {
    for (const name of names) await client.db(name).dropDatabase();
  } finally {
    await client.close();
  }
};

const serverOn = (url: string, stop: (names: readonly string[]) => Promise<void>): MongoServer => {
  const names: string[] = [];
  return {
    newDatabase() {
      const name = `magnetar_test_${randomBytes(6).toString('hex')}`;
      names.push(name);
      return withDatabase(url, name);
    },
    stop: () => stop(names),
  };
};

export const startMongoServer = async (): Promise<MongoServer> => {
  if (GIVEN !== undefined) return serverOn(GIVEN, (names) => dropAll(GIVEN, names));
  if (!(await canRunFerretDb())) {
    throw new Error('no MongoDB: set MAGNETAR_TEST_MONGODB_URI, or install Go to build FerretDB');
  }
  const ferretDb = await startFerretDb();
  const proxy = await startSerialisingProxy(ferretDb.port);
  const server = serverOn(`mongodb://127.0.0.1:${String(proxy.port)}/`, async () => {
    await proxy.stop();
    await ferretDb.stop();
  });
  return { ...server, proxy };
};
