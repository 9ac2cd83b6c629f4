/** Lets requests wait for a change of state: one listener to all changes for all of them, and a timer each. */
import type { Clock } from '../kernel/clock.ts';
import type { TaskId } from './ids.ts';
import type { CallOptions } from './ports/call.ts';
import type { Changes } from './ports/changes.ts';
import type { Scope, TaskStore } from './ports/task-store.ts';
import { isTerminal, type TaskState } from './states.ts';

export interface WatchDeps {
  readonly store: Pick<TaskStore, 'summary'>;
  readonly changes: Changes;
  readonly clock: Clock;
}

export interface Wanted {
  readonly id: TaskId;
  readonly scope: Scope;
  readonly ms: number;
  /** `change` = any other state than now; `end` = a final one. */
  readonly for: 'change' | 'end';
}

export interface Watch {
  /** Answers when it has happened, the time is up, the server drains, or there is no such task; rejects when called off. */
  wait(wanted: Wanted, options: CallOptions): Promise<void>;
  /** The server drains: nobody waits any more, nor begins to. */
  end(): void;
}

/** One who waits. */
interface Ticket {
  /** What was told since the last look. */
  told: TaskState | undefined;
  wake: () => void;
}

const createTickets = () => {
  const byTask = new Map<TaskId, Set<Ticket>>();
  return {
    of: (id: TaskId): Iterable<Ticket> => byTask.get(id) ?? [],
    all: (): readonly Ticket[] => [...byTask.values()].flatMap((tickets) => [...tickets]),
    open(id: TaskId): Ticket {
      const ticket: Ticket = { told: undefined, wake: () => undefined };
      byTask.set(id, (byTask.get(id) ?? new Set()).add(ticket));
      return ticket;
    },
    close(id: TaskId, ticket: Ticket): void {
      const tickets = byTask.get(id);
      tickets?.delete(ticket);
      if (tickets?.size === 0) byTask.delete(id);
    },
  };
};

export const createWatch = ({ store, changes, clock }: WatchDeps): Watch => {
  const tickets = createTickets();
  let ended = false;

  changes.subscribe(({ id, state }) => {
    for (const ticket of tickets.of(id)) {
      ticket.told = state;
      ticket.wake();
    }
  });

  /** Sleeps until another state than `seen` is told, `ms` are over, or all waiting ends. */
  const doze = async (
    ticket: Ticket,
    seen: TaskState,
    ms: number,
    { signal }: CallOptions,
  ): Promise<void> => {
    const woken = new AbortController();
    ticket.wake = () => {
      if (ended || signal.aborted || (ticket.told ?? seen) !== seen) woken.abort();
    };
    signal.addEventListener('abort', ticket.wake, { once: true });
    ticket.wake(); // it may have been told while it looked
    if (!woken.signal.aborted) await clock.sleep(ms, woken.signal).catch(() => undefined);
    signal.removeEventListener('abort', ticket.wake);
    signal.throwIfAborted();
  };

  /** Changes may arrive late or together, so what is told only makes it look again. */
  const waitWith = async (ticket: Ticket, wanted: Wanted, options: CallOptions): Promise<void> => {
    const deadline = clock.monotonic() + wanted.ms;
    let first: TaskState | undefined;
    for (;;) {
      ticket.told = undefined;
      const seen = (await store.summary(wanted.id, wanted.scope, options))?.state;
      if (seen === undefined || isTerminal(seen)) return;
      first ??= seen;
      const left = deadline - clock.monotonic();
      if (ended || left <= 0 || (wanted.for === 'change' && seen !== first)) return;
      await doze(ticket, seen, left, options);
    }
  };

  return {
    async wait(wanted, options) {
      const ticket = tickets.open(wanted.id);
      try {
        await waitWith(ticket, wanted, options);
      } finally {
        tickets.close(wanted.id, ticket);
      }
    },
    end() {
      ended = true;
      for (const { wake } of tickets.all()) wake();
    },
  };
};
