import { describe, expect, it } from 'vitest';
import { hasRoom, misfits, pick, usageOf, type Capacity } from '../../../src/tasks/placement.ts';
import { requirementsOf } from '../../../src/tasks/requirements.ts';
import { parseOwnerId, type OwnerId } from '../../../src/tasks/ids.ts';
import { storedTask } from '../../support/tasks.ts';

const capacity: Capacity = { name: 'here', jobs: 2, cores: 4, ram_bytes: 1_000_000_000 };
const wants = (resources: Parameters<typeof requirementsOf>[0]['resources']) =>
  requirementsOf({ executors: [], ...(resources === undefined ? {} : { resources }) });

describe('misfits', () => {
  it.each([
    [{}, []],
    [{ cpu_cores: 5 }, ['needs 5 cores, has 4']],
    [{ backend_parameters: { destination: 'there' } }, ['wants destination there']],
    [{ backend_parameters: { destination: 'here' } }, []],
  ])('%j → %j', (resources, reasons) => {
    expect(misfits(wants(resources), capacity)).toEqual(reasons);
  });

  it('names memory, and does not ask for zones', () => {
    expect(misfits(wants({ ram_gb: 2 }), capacity)[0]).toMatch(/bytes of memory, has 1000000000/);
    expect(misfits(wants({ zones: ['b'] }), capacity)).toEqual([]);
  });

  it('counts nothing that the destination does not state', () => {
    const open: Capacity = { name: 'open', jobs: 1 };
    expect(misfits(wants({ cpu_cores: 512, ram_gb: 9999 }), open)).toEqual([]);
  });
});

describe('hasRoom', () => {
  it.each([
    [0, { cores: 4, ram_bytes: 0 }, true],
    [2, { cores: 0, ram_bytes: 0 }, false],
    [1, { cores: 2, ram_bytes: 0 }, false],
    [1, { cores: 1, ram_bytes: 0 }, true],
  ])('with %i jobs of 3 cores each under way, %j: %s', (jobs, slots, room) => {
    const used = usageOf(Array.from({ length: jobs }, () => ({ cores: 3, ram_bytes: 0 })));
    expect(hasRoom(slots, capacity, used)).toBe(room);
  });
});

describe('pick', () => {
  const candidate = (owner: string, prio: number) => {
    const task = storedTask({ owner, prio });
    return { class: task.class, owner: task.owner, task };
  };
  const running = (counts: Record<string, number>) => (owner: OwnerId) => counts[owner] ?? 0;

  it('prefers priority, then the owner with the fewest running, then age', () => {
    const [old, busy, young, urgent] = [
      candidate('a', 0),
      candidate('b', 0),
      candidate('a', 0),
      candidate('b', 9),
    ];
    expect(pick([old, busy, young, urgent], running({ b: 5 }))).toBe(urgent);
    expect(pick([young, busy, old], running({ b: 5 }))).toBe(old);
    expect(pick([old, busy], running({ a: 1 }))).toBe(busy);
    expect(pick([], running({}))).toBeUndefined();
    expect(parseOwnerId('a')).toBe('a');
  });
});
