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
  readonly uploaded: ServedFolder;
  stop(): Promise<void>;
}

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
};

/** Only the field `file`, by its file name. */
const storeForm = async (request: IncomingMessage, uploaded: ServedFolder): Promise<number> => {
  const headers = { 'content-type': request.headers['content-type'] ?? '' };
  const form = await new Response(new Uint8Array(await bodyOf(request)), { headers }).formData();
  const file = form.get('file');
  if (file === null || typeof file === 'string') return 400;
  const names = file.name.split('/').filter((name) => name !== '' && name !== '..');
  await uploaded.put(names, new Uint8Array(await file.arrayBuffer()));
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
    uploaded,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await rm(folder, { recursive: true });
    },
  };
};
