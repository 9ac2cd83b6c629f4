import { describe, expect, it } from 'vitest';
import { MagnetarError } from '../../../../src/kernel/errors.ts';
import { createRoom, type Seat } from '../../../../src/storage/s3/room.ts';

const MIB = 1024 * 1024;
const { signal } = new AbortController();

const state = async (work: Promise<Seat>): Promise<'in' | 'waiting'> =>
  Promise.race([work.then(() => 'in' as const), Promise.resolve('waiting' as const)]);

/** Whoever may enter has entered. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('createRoom', () => {
  it('lets in what fits, and the others in their turn', async () => {
    const room = createRoom(10);
    const first = await room.take(6, signal);
    const second = room.take(6, signal);
    const third = room.take(1, signal);
    await settled();
    expect(await state(third)).toBe('waiting');
    first.leave(true);
    await settled();
    expect((await second).buffer).toHaveLength(6);
    expect((await third).buffer).toHaveLength(1);
  });

  it('counts a seat that is left twice once', async () => {
    const room = createRoom(10);
    const first = await room.take(5, signal);
    await room.take(5, signal);
    first.leave(true);
    first.leave(true);
    await room.take(5, signal);
    const waiting = room.take(1, signal);
    await settled();
    expect(await state(waiting)).toBe('waiting');
  });

  it('lets those behind pass when the first one gives up', async () => {
    const room = createRoom(10);
    await room.take(6, signal);
    const off = new AbortController();
    const large = room.take(6, off.signal);
    const small = room.take(4, signal);
    const reason = new MagnetarError('STOPPING', 'enough');
    off.abort(reason);
    await expect(large).rejects.toBe(reason);
    expect((await small).buffer).toHaveLength(4);
    await expect(room.take(1, off.signal)).rejects.toBe(reason);
  });

  it('uses buffers again, unless somebody may still look at them', async () => {
    const room = createRoom(4 * MIB);
    await room.take(MIB, signal);
    const clean = await room.take(MIB, signal);
    clean.leave(true);
    const again = await room.take(MIB, signal);
    expect(again.buffer === clean.buffer).toBe(true);
    again.leave(false);
    expect((await room.take(MIB, signal)).buffer === clean.buffer).toBe(false);
  });

  it('keeps no buffers for which others need the room, and none when all have left', async () => {
    const room = createRoom(4 * MIB);
    const one = await room.take(MIB, signal);
    const two = await room.take(2 * MIB, signal);
    one.leave(true);
    const large = await room.take(2 * MIB, signal);
    two.leave(true);
    const small = await room.take(MIB, signal);
    expect(small.buffer === one.buffer).toBe(false);
    large.leave(true);
    small.leave(true);
    expect((await room.take(2 * MIB, signal)).buffer === large.buffer).toBe(false);
  });
});
