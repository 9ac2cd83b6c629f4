/** The driver with its command monitoring on: for `vi.mock('mongodb', …)`, because the store makes its client itself. */
import type { Document, MongoClient, MongoClientOptions } from 'mongodb';

/** Commands of the clients that the store made; other clients are of the tests. */
export const createWatchedClient = (
  Client: typeof MongoClient,
  tell: (command: Document) => void,
): typeof MongoClient =>
  class extends Client {
    constructor(url: string, options: MongoClientOptions = {}) {
      const isOfStore = options.appName === 'magnetar';
      super(url, { ...options, ...(isOfStore ? { monitorCommands: true } : {}) });
      if (isOfStore) this.on('commandStarted', ({ command }) => tell(command));
    }
  };
