/** Who sent each request, known from the gate until its answer. */
import type { Response } from 'express';
import type { Principal } from '../tasks/principal.ts';

export interface Callers {
  set(res: Response, caller: Principal): void;
  /** Undefined = the request has not passed the gate: its path needs no caller, or it was refused. */
  find(res: Response): Principal | undefined;
  /** For routes behind the gate. */
  of(res: Response): Principal;
}

export const createCallers = (): Callers => {
  const known = new WeakMap<Response, Principal>();
  return {
    set(res, caller) {
      known.set(res, caller);
    },
    find: (res) => known.get(res),
    of(res) {
      const caller = known.get(res);
      if (caller === undefined) throw new TypeError('this path lies before the gate');
      return caller;
    },
  };
};
