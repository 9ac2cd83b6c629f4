/** Requests that a client sends before it has the answers to earlier ones wait for their turn; when their connection closes, they are over too. */
import type { Socket } from 'node:net';
import type { Request, Response } from 'express';

/**
 * Answers a function that is told of each exchange. Node tells the end of a connection to the response whose turn it is, and
 * never to those behind it: what is held for them would be held for ever.
 */
export const createPipelines = () => {
  const byConnection = new WeakMap<Socket, Set<Response>>();

  const follow = (socket: Socket): Set<Response> => {
    const open = new Set<Response>();
    byConnection.set(socket, open);
    socket.once('close', () => {
      for (const res of [...open].filter((one) => one.socket === null)) {
        res.destroy();
        res.emit('close');
      }
    });
    return open;
  };

  return ({ socket }: Request, res: Response): void => {
    const open = byConnection.get(socket) ?? follow(socket);
    open.add(res);
    res.once('close', () => open.delete(res));
  };
};
