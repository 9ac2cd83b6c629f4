/** Ports on loopback: one that is free, and servers that say nothing. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const listen = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

export const freePort = async (): Promise<number> => {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  return port;
};

export interface SmallServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Hands each connection to `serve`. */
export const startTcpServer = async (serve: (socket: Socket) => void): Promise<SmallServer> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined); // the client may leave at any time
    serve(socket);
  });
  const port = await listen(server);
  return {
    port,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
};

/** Takes connections and what comes over them, and answers nothing. */
export const startSilentServer = (): Promise<SmallServer> =>
  startTcpServer((socket) => socket.resume());
