/** Results of costly checks for a short time, found by an HMAC under a key of this process: no credential is kept in memory. */
import type { Clock } from '../kernel/clock.ts';
import { createHmac, newKey } from './hmac.ts';

export interface Found<Value> {
  readonly value: Value;
  /** Wall clock; the result counts until then. */
  readonly until: number;
}

export interface Remembered<Value> {
  /** Answers what is remembered, or has it worked out once however many ask. A rejection is not remembered. */
  through(credential: string, work: () => Promise<Found<Value>>): Promise<Value>;
}

const MOST_ENTRIES = 10_000;

export const createRemembered = <Value>(clock: Clock): Remembered<Value> => {
  const nameOf = createHmac(newKey());
  const known = new Map<string, Found<Value>>();
  const underWay = new Map<string, Promise<Value>>();

  const keep = (name: string, found: Found<Value>): void => {
    for (const oldest of known.keys()) {
      if (known.size < MOST_ENTRIES) break;
      known.delete(oldest);
    }
    known.set(name, found);
  };

  const workOut = async (name: string, work: () => Promise<Found<Value>>): Promise<Value> => {
    try {
      const found = await work();
      keep(name, found);
      return found.value;
    } finally {
      underWay.delete(name);
    }
  };

  return {
    async through(credential, work) {
      const name = nameOf(credential);
      const found = known.get(name);
      if (found !== undefined && found.until > clock.now()) return found.value;
      known.delete(name);
      const begun = underWay.get(name) ?? workOut(name, work);
      underWay.set(name, begun);
      return begun;
    },
  };
};
