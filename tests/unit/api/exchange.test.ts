/** The signal of a request whose client leaves before or after it is asked for. */
import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Response } from 'express';
import { describe, expect, it } from 'vitest';
import { signalOf } from '../../../src/api/exchange.ts';

const newResponse = (): Response =>
  new ServerResponse(new IncomingMessage(new Socket())) as unknown as Response;

describe('signalOf', () => {
  it('aborts when the client leaves', async () => {
    const res = newResponse();
    const signal = signalOf(res);
    expect(signal.aborted).toBe(false);
    const closed = once(res, 'close');
    res.destroy();
    res.emit('close');
    await closed;
    expect(signal.reason).toMatchObject({ code: 'ABORTED' });
  });

  it('is aborted for a client that had left while its credentials were judged', () => {
    const res = newResponse();
    res.destroy();
    res.emit('close');
    expect(signalOf(res).reason).toMatchObject({ code: 'ABORTED' });
  });
});
