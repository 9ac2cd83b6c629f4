/** The second connection of FTP, over which the bytes go: always to the address of the first, and called off with it. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { FTPError, type FTPContext, type FTPResponse } from 'basic-ftp';

export interface DataConnections {
  /** Opens one, for `Client.prepareTransfer`. */
  readonly open: (ftp: FTPContext) => Promise<FTPResponse>;
  /** Until TLS is agreed on over the one that was opened last. */
  readonly secured: () => Promise<unknown>;
}

const portOf = (found: number | undefined): number => {
  if (found !== undefined && found > 0 && found < 65_536) return found;
  throw new Error("Can't parse response: no port for the data");
};

/** `229 Entering Extended Passive Mode (|||6446|)`; RFC 2428 leaves the delimiter to the server. */
const portOfEpsv = (text: string): number =>
  portOf(Number(/\(([!-/:-~])\1\1(\d{1,5})\1\)/.exec(text)?.[2]));

/** `227 Entering Passive Mode (192,168,1,100,10,229)`: the address in it is not used, which NAT falsifies and which a bounce attack would choose. */
const portOfPasv = (text: string): number => {
  const [, high, low] = /\d{1,3},\d{1,3},\d{1,3},\d{1,3},(\d{1,3}),(\d{1,3})/.exec(text) ?? [];
  return portOf(Number(high) * 256 + Number(low));
};

/** Once it is handed to basic-ftp, that closes it with the control connection; before, nobody else would. */
const connected = async (socket: Socket, ms: number, gone: AbortSignal): Promise<void> => {
  const leave = (): void => void socket.destroy(new Error('closed'));
  socket.setTimeout(ms, () => socket.destroy(new Error('Timeout (data socket)')));
  gone.addEventListener('abort', leave, { once: true });
  try {
    await once(socket, 'connect');
  } finally {
    gone.removeEventListener('abort', leave);
    socket.setTimeout(0);
  }
};

export const createDataConnections = (gone: AbortSignal): DataConnections => {
  let knowsEpsv = true;
  let secured: Promise<unknown> = Promise.resolve();

  const askPort = async (ftp: FTPContext): Promise<{ port: number; answer: FTPResponse }> => {
    if (knowsEpsv) {
      try {
        const answer = await ftp.request('EPSV');
        return { port: portOfEpsv(answer.message), answer };
      } catch (error) {
        if (!(error instanceof FTPError) || error.code < 500) throw error;
        knowsEpsv = false;
      }
    }
    const answer = await ftp.request('PASV');
    return { port: portOfPasv(answer.message), answer };
  };

  return {
    async open(ftp) {
      const { port, answer } = await askPort(ftp);
      const { remoteAddress: host } = ftp.socket;
      if (host === undefined) throw new Error('Server closed connection unexpectedly.');
      const raw = connect({ host, port });
      await connected(raw, ftp.timeout, gone);
      if (!(ftp.socket instanceof TLSSocket)) {
        ftp.dataSocket = raw;
        return answer;
      }
      // many servers take a data connection only with the session of the control connection
      const session = ftp.tlsSessionStore ?? ftp.socket.getSession();
      const socket = connectTls({ ...ftp.tlsOptions, socket: raw, ...(session && { session }) });
      socket.on('session', (ticket: Buffer) => (ftp.tlsSessionStore = ticket));
      secured = once(socket, 'secureConnect', { signal: gone });
      secured.catch(() => undefined);
      ftp.dataSocket = socket;
      return answer;
    },
    secured: () => secured,
  };
};
