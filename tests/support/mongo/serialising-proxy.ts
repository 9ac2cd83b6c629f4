/** Lets one MongoDB command be in flight at a time over all connections, which makes FerretDB atomic as MongoDB is; and loses replies when a test asks for it. */
import { once } from 'node:events';
import net from 'node:net';

const OP_MSG = 2013;
/** The client expects no reply to this message. */
const MORE_TO_COME = 2;
const OPCODE_AT = 12;
const FLAGS_AT = 16;
/** After header, flags, section kind, document length and type of the first element. */
const COMMAND_AT = 26;

interface Connection {
  closed: boolean;
}

interface Job {
  readonly connection: Connection;
  send(done: () => void): void;
}

/** One job after the other; jobs of a closed connection are dropped. */
const createLine = () => {
  const jobs: Job[] = [];
  let busy = false;
  const next = (): void => {
    if (busy) return;
    const job = jobs.shift();
    if (job === undefined) return;
    if (job.connection.closed) {
      next();
      return;
    }
    busy = true;
    job.send(() => {
      busy = false;
      next();
    });
  };
  return (job: Job): void => {
    jobs.push(job);
    next();
  };
};

/** Calls back for each complete message: its length is in its first four bytes. */
const splitMessages = (onMessage: (message: Buffer) => void) => {
  let pending = Buffer.alloc(0);
  return (chunk: Buffer): void => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 4 && pending.length >= pending.readInt32LE(0)) {
      const length = pending.readInt32LE(0);
      onMessage(pending.subarray(0, length));
      pending = pending.subarray(length);
    }
  };
};

const commandOf = (message: Buffer): string =>
  message.readInt32LE(OPCODE_AT) === OP_MSG
    ? message.toString('latin1', COMMAND_AT, message.indexOf(0, COMMAND_AT))
    : '';

const expectsReply = (message: Buffer): boolean =>
  message.readInt32LE(OPCODE_AT) !== OP_MSG ||
  (message.readUInt32LE(FLAGS_AT) & MORE_TO_COME) === 0;

export interface SerialisingProxy {
  readonly port: number;
  /** The next commands of these names are carried out, but their connections end before the reply. */
  loseReplies(...commands: readonly string[]): void;
  /** Ends all connections, and refuses new ones until the returned function is called. */
  cut(): () => void;
  stop(): Promise<void>;
}

interface Faults {
  readonly lost: string[];
  isCut: boolean;
}

/** Carries one client's connection; answers the function that ends it. */
const relay = (
  client: net.Socket,
  upstreamPort: number,
  enqueue: (job: Job) => void,
  faults: Faults,
): (() => void) => {
  const upstream = net.connect(upstreamPort, '127.0.0.1');
  const connection: Connection = { closed: false };
  let inFlight: { readonly command: string; readonly done: () => void } | undefined;
  const finish = (): void => {
    const { done } = inFlight ?? {};
    inFlight = undefined;
    done?.();
  };
  const close = (): void => {
    if (connection.closed) return;
    connection.closed = true;
    client.destroy();
    upstream.destroy();
    finish();
  };
  for (const socket of [client, upstream]) {
    socket.setNoDelay().on('error', close).on('close', close);
  }
  const onRequest = (message: Buffer): void => {
    const send = (done: () => void): void => {
      inFlight = { command: commandOf(message), done };
      upstream.write(message);
      if (!expectsReply(message)) finish();
    };
    enqueue({ connection, send });
  };
  const onReply = (message: Buffer): void => {
    const at = faults.lost.indexOf(inFlight?.command ?? '');
    if (at >= 0) {
      faults.lost.splice(at, 1);
      close();
      return;
    }
    client.write(message);
    finish();
  };
  client.on('data', splitMessages(onRequest));
  upstream.on('data', splitMessages(onReply));
  return close;
};

export const startSerialisingProxy = async (upstreamPort: number): Promise<SerialisingProxy> => {
  const enqueue = createLine();
  const faults: Faults = { lost: [], isCut: false };
  const closers = new Set<() => void>();
  const server = net.createServer((client) => {
    if (faults.isCut) {
      client.destroy();
      return;
    }
    const close = relay(client, upstreamPort, enqueue, faults);
    closers.add(close);
    client.once('close', () => closers.delete(close));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const closeAll = () => {
    for (const close of closers) close();
  };
  return {
    port: address.port,
    loseReplies(...commands) {
      faults.lost.push(...commands);
    },
    cut() {
      faults.isCut = true;
      closeAll();
      return () => {
        faults.isCut = false;
      };
    },
    async stop() {
      closeAll();
      server.close();
      await once(server, 'close');
    },
  };
};
