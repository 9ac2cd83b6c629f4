/** An HTTP file server as users of TESP API have it: GET, index pages with links from the root, and uploads by a form to one URL. */
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { servedFolder, type ServedFolder } from './names.ts';

export interface UploadServer {
  readonly url: string;
  /** What it shows. */
  readonly shown: ServedFolder;
  /** What was uploaded, by the names it was given. */
  readonly uploaded: ServedFolder & { clear(): Promise<void> };
  stop(): Promise<void>;
}

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
};

/** The one part of a form: field, file name and bytes. */
const partOf = (body: Buffer, type: string): readonly [string, string, Buffer] | undefined => {
  const boundary = /^multipart\/form-data; boundary=(\S+)$/.exec(type)?.[1] ?? '';
  const begin = body.indexOf('\r\n\r\n');
  const end = body.lastIndexOf(`\r\n--${boundary}--`);
  const head = body.subarray(0, begin).toString();
  const [, field, name] = /form-data; name="([^"]*)"; filename="([^"]*)"/.exec(head) ?? [];
  if (field === undefined || name === undefined || end < begin) return undefined;
  return [field, name, body.subarray(begin + 4, end)];
};

/** Only the field `file`, by its file name. */
const storeForm = async (request: IncomingMessage, uploaded: ServedFolder): Promise<number> => {
  const [field, name = '', bytes = Buffer.of()] =
    partOf(await bodyOf(request), request.headers['content-type'] ?? '') ?? [];
  if (field !== 'file') return 400;
  const names = name.split('/').filter((one) => one !== '' && one !== '..');
  await uploaded.put(names, bytes);
  return 200;
};

const indexOf = async (folder: string, path: string): Promise<string> => {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .map((entry) => {
      const href = `${path}${encodeURIComponent(entry.name)}${entry.isDirectory() ? '/' : ''}`;
      return `<a href='${href}'>${entry.name}</a><br>\n`;
    })
    .join('');
};

const show = async (root: string, path: string, response: ServerResponse): Promise<void> => {
  const file = join(root, decodeURIComponent(path));
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) response.writeHead(404).end();
  else if (found.isDirectory()) {
    response.writeHead(200, { 'content-type': 'text/html' }).end(await indexOf(file, path));
  } else response.writeHead(200, { 'content-length': found.size }).end(await readFile(file));
};

export const startUploadServer = async (): Promise<UploadServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'upload-'));
  const [root, store] = [join(folder, 'shown'), join(folder, 'uploaded')];
  const uploaded = servedFolder(store);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://here');
    if (request.method === 'POST' && pathname === '/upload') {
      response.writeHead(await storeForm(request, uploaded)).end();
    } else if (request.method === 'GET') await show(root, pathname, response);
    else response.writeHead(405).end();
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    shown: servedFolder(root),
    uploaded: { ...uploaded, clear: () => rm(store, { recursive: true, force: true }) },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await rm(folder, { recursive: true });
    },
  };
};
