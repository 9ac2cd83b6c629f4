import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { MagnetarError } from '../../../../src/kernel/errors.ts';
import {
  incomingBody,
  outgoingBody,
  type BodyBounds,
} from '../../../../src/storage/connect/bodies.ts';

const boundsOf = (extra: Partial<BodyBounds> = {}): BodyBounds => ({
  url: 'http://user:secret@data.example/file?key=secret',
  stallMs: 60_000,
  signal: new AbortController().signal,
  ...extra,
});

const collect = async (body: Readable): Promise<string> => {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces).toString();
};
const sourceOf = (...pieces: readonly string[]): Readable =>
  Readable.from(pieces.map((piece) => Buffer.from(piece)));
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('incomingBody', () => {
  it('hands on all bytes, announced or not', async () => {
    expect(await collect(incomingBody(sourceOf('ab', 'c'), boundsOf({ size: 3 })))).toBe('abc');
    expect(await collect(incomingBody(sourceOf('ab', 'c'), boundsOf()))).toBe('abc');
    expect(await collect(incomingBody(sourceOf(), boundsOf({ size: 0 })))).toBe('');
  });

  it('ends with STORAGE_UNAVAILABLE when fewer bytes come than announced', async () => {
    const source = sourceOf('ab');
    const error = await failureOf(collect(incomingBody(source, boundsOf({ size: 3 }))));
    expect(error).toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: 'http://data.example/file: broke off after 2 bytes of 3',
    });
    expect(source.destroyed).toBe(true);
  });

  it('ends with STORAGE_FAILED when more come, and closes an endless source', async () => {
    const source = new Readable({
      read() {
        this.push(Buffer.alloc(1000));
      },
    });
    const error = await failureOf(collect(incomingBody(source, boundsOf({ size: 10_000 }))));
    expect(error).toMatchObject({ code: 'STORAGE_FAILED' });
    expect(source.destroyed).toBe(true);
  });

  it('keeps nothing of a foreign error but its known code', async () => {
    const source = new PassThrough();
    const work = failureOf(collect(incomingBody(source, boundsOf())));
    source.destroy(Object.assign(new Error('secret'), { code: 'ECONNRESET' }));
    const error = await work;
    expect(error).toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: 'http://data.example/file: the connection was cut',
    });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('secret');
  });

  it('takes a source that closes, or is closed already, for a cut connection', async () => {
    const later = new PassThrough();
    const work = failureOf(collect(incomingBody(later, boundsOf())));
    later.destroy();
    expect(await work).toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    const before = new PassThrough().destroy();
    expect(await failureOf(collect(incomingBody(before, boundsOf())))).toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
  });

  it('ends when nothing comes for too long, but waits for a slow reader', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const source = new PassThrough({ highWaterMark: 1024 * 1024 });
      const body = incomingBody(source, boundsOf({ stallMs: 1000 }));
      source.write(Buffer.alloc(600_000));
      body.once('readable', () => undefined); // asks for what fits, and takes none of it
      await vi.waitFor(() => expect(body.readableLength).toBeGreaterThan(256 * 1024));
      vi.advanceTimersByTime(10_000);
      expect(body.destroyed).toBe(false);
      const work = failureOf(collect(body));
      await vi.waitFor(() => expect(body.readableLength).toBe(0));
      vi.advanceTimersByTime(1001);
      expect(await work).toMatchObject({
        code: 'STORAGE_UNAVAILABLE',
        message: 'http://data.example/file: sends nothing for 1 s',
      });
      expect(source.destroyed).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends with the reason of its signal, before and in the middle', async () => {
    const reason = new MagnetarError('STOPPING', 'enough');
    const off = new AbortController();
    const source = new PassThrough();
    const work = failureOf(collect(incomingBody(source, boundsOf({ signal: off.signal }))));
    off.abort(reason);
    expect(await work).toBe(reason);
    expect(source.destroyed).toBe(true);
    const late = incomingBody(new PassThrough(), boundsOf({ signal: off.signal }));
    expect(await failureOf(collect(late))).toBe(reason);
  });

  it('closes its source when its reader leaves, and lets go of the signal', async () => {
    const off = new AbortController();
    const source = new PassThrough();
    const remove = vi.spyOn(off.signal, 'removeEventListener');
    const body = incomingBody(source, boundsOf({ signal: off.signal }));
    body.destroy();
    await once(body, 'close');
    expect(source.destroyed).toBe(true);
    expect(remove).toHaveBeenCalledTimes(1);
  });
});

describe('outgoingBody', () => {
  it('counts what it hands on', async () => {
    const { body, count } = outgoingBody(sourceOf('ab', 'c'), boundsOf());
    expect(await collect(body)).toBe('abc');
    expect(count()).toBe(3);
  });

  it('leaves an error of its source as it is', async () => {
    const source = new PassThrough();
    const work = failureOf(collect(outgoingBody(source, boundsOf()).body));
    const reason = new MagnetarError('JOB_OVER', 'the source is gone');
    source.destroy(reason);
    expect(await work).toBe(reason);
  });

  it.each([2, 4])(
    'ends with STORAGE_FAILED when %i bytes were announced and 3 come',
    async (size) => {
      const { body } = outgoingBody(sourceOf('abc'), boundsOf({ size }));
      expect(await failureOf(collect(body))).toMatchObject({ code: 'STORAGE_FAILED' });
    },
  );

  it('ends when what it goes to takes nothing for too long', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const source = new PassThrough({ highWaterMark: 1024 * 1024 });
      const { body } = outgoingBody(source, boundsOf({ stallMs: 1000 }));
      source.write(Buffer.alloc(600_000));
      const failed = once(body, 'error');
      body.once('readable', () => undefined);
      await vi.waitFor(() => expect(body.readableLength).toBeGreaterThan(256 * 1024));
      vi.advanceTimersByTime(1001);
      expect((await failed)[0]).toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    } finally {
      vi.useRealTimers();
    }
  });

  it('watches what it goes to until the last byte has been taken', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const source = new PassThrough();
      const { body } = outgoingBody(source, boundsOf({ stallMs: 1000 }));
      body.once('readable', () => undefined);
      source.end(Buffer.alloc(10_000));
      await once(source, 'end');
      body.read(4000);
      vi.advanceTimersByTime(1001);
      expect(body.destroyed).toBe(false);
      const failed = once(body, 'error');
      vi.advanceTimersByTime(1001);
      expect((await failed)[0]).toMatchObject({
        message: 'http://data.example/file: takes nothing for 1 s',
      });
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends when all has been taken', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { body } = outgoingBody(sourceOf('abc'), boundsOf({ stallMs: 1000 }));
      expect(await collect(body)).toBe('abc');
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
