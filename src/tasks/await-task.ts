/** Reading one task when it is worth it: after its next change where the client asks for that, after its end where the operator does. */
import type { Clock } from '../kernel/clock.ts';
import type { CallOptions } from './ports/call.ts';
import { getTask, type GetInput, type ReadDeps } from './read-task.ts';
import type { WireView } from './views.ts';
import type { Watch } from './watch.ts';

export interface AwaitDeps extends ReadDeps {
  readonly watch: Watch;
  readonly clock: Clock;
  /** How long after its creation the FULL view of a task waits for the end of it; 0 = it does not. */
  readonly settleMs: number;
}

export interface AwaitInput extends GetInput {
  /** How long to wait for another state; undefined = the client does not ask for it. */
  readonly waitMs?: number | undefined;
}

/** Suites and scripts that look at logs right after a creation mean those of the ended task. */
const settle = async (
  { store, watch, clock, settleMs }: AwaitDeps,
  { id, principal: { scope } }: GetInput,
  options: CallOptions,
): Promise<void> => {
  const task = await store.get(id, scope, options);
  const ms = task === undefined ? 0 : task.created + settleMs - clock.now();
  if (ms > 0) await watch.wait({ id, scope, ms, for: 'end' }, options);
};

/** @throws MagnetarError TASK_UNKNOWN, ABORTED */
export const awaitTask = async (
  deps: AwaitDeps,
  { waitMs, ...input }: AwaitInput,
  options: CallOptions,
): Promise<WireView> => {
  const { id, view, principal } = input;
  if (waitMs !== undefined) {
    await deps.watch.wait({ id, scope: principal.scope, ms: waitMs, for: 'change' }, options);
  } else if (view === 'FULL' && deps.settleMs > 0) await settle(deps, input, options);
  return getTask(deps, input, options);
};
