/** The API in a process of its own, whose memory holds nothing of a test. Says its address, then its used heap after a collection, in bytes, whenever it is asked. Needs --expose-gc. */
import type { Logger } from '../../../src/kernel/logger.ts';
import { listenApi } from './listening-api.ts';

const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quiet,
};

const { root, close } = await listenApi(quiet);

const usedHeap = async (): Promise<number> => {
  await new Promise((resolve) => setImmediate(resolve)); // what the last requests left for the next turn
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

process.on('message', () => {
  void usedHeap().then((bytes) => process.send?.(bytes));
});
process.once('disconnect', () => {
  void close();
});
process.send?.(root);
