/** A tiny FTP server whose faults the test writes: files in memory, LIST of `ls -l`, and each command may be answered otherwise. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { startTcpServer, type SmallServer } from './ports.ts';

/** What one control connection is at. */
export interface Session {
  readonly control: Socket;
  readonly data: () => Promise<Socket>;
  folder: string;
  from: string;
  start: number;
}

/** Answers a command; undefined = as usual, '' = the answer was sent already, or never comes. */
export type Script = (
  argument: string,
  session: Session,
) => string | undefined | Promise<string | undefined>;

export interface ScriptedFtp extends SmallServer {
  readonly files: Map<string, Buffer>;
  readonly folders: Set<string>;
  /** All commands, of all connections. */
  readonly said: readonly string[];
  /** Control connections so far. */
  readonly connections: () => number;
}

export interface ScriptedOptions {
  readonly features?: readonly string[];
  readonly greeting?: () => string;
  readonly script?: Readonly<Record<string, Script>>;
}

const NO = '502 not here';

const openData = async (control: Socket): Promise<{ port: number; socket: Promise<Socket> }> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const leave = (): void => void server.close();
  control.once('close', leave);
  const socket = once(server, 'connection').then(([one]) => {
    control.off('close', leave);
    leave();
    (one as Socket).on('error', () => undefined); // the client may leave at any time
    return one as Socket;
  });
  return { port: (server.address() as AddressInfo).port, socket };
};

const collect = async (socket: Socket): Promise<Buffer> => {
  const pieces: Uint8Array[] = [];
  for await (const piece of socket) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
};

export const startScriptedFtp = async ({
  features = [],
  greeting = () => '220 ready',
  script = {},
}: ScriptedOptions = {}): Promise<ScriptedFtp> => {
  const files = new Map<string, Buffer>();
  const folders = new Set(['/']);
  const said: string[] = [];
  let connections = 0;

  const unixList = (folder: string): string => {
    const base = folder.endsWith('/') ? folder : `${folder}/`;
    const inIt = (path: string): string | undefined =>
      path.startsWith(base) && !path.slice(base.length).includes('/')
        ? path.slice(base.length) || undefined
        : undefined;
    const line = (mode: string, size: number, name: string): string =>
      `${mode} 1 own grp ${String(size)} Jan 01 10:00 ${name}\r\n`;
    const shown = [...folders].map(inIt).filter((name) => name !== undefined);
    return [
      ...shown.map((name) => line('drwxr-xr-x', 4096, name)),
      ...[...files].flatMap(([path, { length }]) => {
        const name = inIt(path);
        return name === undefined ? [] : [line('-rw-r--r--', length, name)];
      }),
    ].join('');
  };

  const sendAll = async (session: Session, bytes: Buffer | string): Promise<string> => {
    session.control.write('150 here it comes\r\n');
    (await session.data()).end(bytes);
    return '226 all sent';
  };

  const USUAL: Readonly<Record<string, Script>> = {
    USER: () => '331 password',
    PASS: () => '230 in',
    PWD: () => '257 "/"',
    TYPE: () => '200 ok',
    NOOP: () => '200 ok',
    QUIT: () => '221 bye',
    FEAT: () => ['211-Features', ...features.map((one) => ` ${one}`), '211 End'].join('\r\n'),
    CWD: (path, session) => {
      if (!folders.has(path)) return '550 No such folder';
      session.folder = path;
      return '250 there';
    },
    MKD: (path) => {
      if (folders.has(path)) return '550 exists';
      folders.add(path);
      return '257 made';
    },
    SIZE: (path) => {
      if (!features.includes('SIZE')) return NO;
      const bytes = files.get(path);
      return bytes === undefined ? '550 No such file' : `213 ${String(bytes.length)}`;
    },
    LIST: (_, session) => sendAll(session, unixList(session.folder)),
    REST: (start, session) => {
      if (!features.includes('REST STREAM')) return NO;
      session.start = Number(start);
      return '350 go on';
    },
    RETR: (path, session) => {
      const bytes = files.get(path);
      return bytes === undefined
        ? '550 No such file'
        : sendAll(session, bytes.subarray(session.start));
    },
    STOR: async (path, session) => {
      session.control.write('150 give it\r\n');
      files.set(path, await collect(await session.data()));
      return '226 stored';
    },
    RNFR: (path, session) => {
      session.from = path;
      return files.has(path) ? '350 where to' : '550 No such file';
    },
    RNTO: (path, session) => {
      files.set(path, files.get(session.from) ?? Buffer.alloc(0));
      files.delete(session.from);
      return '250 renamed';
    },
    DELE: (path) => (files.delete(path) ? '250 gone' : '550 No such file'),
  };

  const server = await startTcpServer((control) => {
    connections += 1;
    let data: Promise<Socket> | undefined;
    const session: Session = {
      control,
      data: () => data ?? Promise.reject(new Error('no data connection was asked for')),
      folder: '/',
      from: '',
      start: 0,
    };
    const passive = async (extended: boolean): Promise<string> => {
      const { port, socket } = await openData(control);
      data = socket;
      const [high, low] = [Math.floor(port / 256), port % 256].map(String);
      return extended ? `229 (|||${String(port)}|)` : `227 (10,1,2,3,${high ?? ''},${low ?? ''})`;
    };
    const answer = async (line: string): Promise<void> => {
      said.push(line);
      const [verb = ''] = line.split(' ', 1);
      const argument = line.slice(verb.length + 1);
      const own = await script[verb]?.(argument, session);
      const passiveAnswer =
        own === undefined && (verb === 'EPSV' || verb === 'PASV')
          ? await passive(verb === 'EPSV')
          : own;
      const reply = passiveAnswer ?? (await USUAL[verb]?.(argument, session)) ?? NO;
      if (reply !== '') control.write(`${reply}\r\n`);
    };
    control.write(`${greeting()}\r\n`);
    let last = Promise.resolve();
    control.on('data', (bytes: Buffer) => {
      for (const line of bytes.toString().trimEnd().split('\r\n')) {
        last = last.then(() => answer(line)).catch(() => undefined);
      }
    });
  });
  return { ...server, files, folders, said, connections: () => connections };
};
