/** What shapes of data become: each row is one task on a real storage, judged by what arrives and by what its log tells. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSite, startServer, type Server, type Site } from '../../support/server/server.ts';
import { SHELVES, startStorageLab, type StorageLab } from '../../support/storage/lab.ts';
import { servedFolder, type ServedFolder } from '../../support/storage/names.ts';
import { SHAPES, type Place, type Shape } from './shape-cases.ts';

const STORAGES = ['file', ...SHELVES] as const;
type StorageName = (typeof STORAGES)[number];

let lab: StorageLab;
let site: Site;
let server: Server;

beforeAll(async () => {
  lab = await startStorageLab();
  site = await createSite({ config: lab.config });
  server = await startServer(site);
});

afterAll(async () => {
  await server.stop();
  await site.remove();
  await lab.stop();
});

const storageOf = (name: StorageName): ServedFolder & { url(path: string): string } =>
  name === 'file'
    ? { ...servedFolder(site.files), url: (path) => `file://${site.files}/${path}` }
    : lab.shelves[name];

const text = (value: string): Buffer => Buffer.from(value, 'utf8');

/** A name as it stands in a URL. */
const encoded = (names: string): string =>
  names.split('/').map(encodeURIComponent).join('/').replaceAll("'", '%27');

const placed = (url: (path: string) => string, folder: string, items: readonly Place[]) =>
  items.map(({ at, ...item }) => ({ ...item, url: url(encoded(`${folder}/${at}`)) }));

const sizeOf = (content: string): string => String(text(content).length);

const check = async (storage: StorageName, index: number, shape: Shape): Promise<void> => {
  const shelf = storageOf(storage);
  const folder = `shape${String(index)}`;
  const names = (path: string) => [folder, ...path.split('/')];
  for (const [path, content] of Object.entries(shape.stored ?? {})) {
    await shelf.put(names(path), text(content));
  }
  for (const path of shape.storedFolders ?? []) await shelf.putFolder(names(path));
  if (storage === 'file') mkdirSync(join(site.files, folder), { recursive: true });
  const url = (path: string) => shelf.url(path);
  const inputs = [
    ...placed(url, folder, shape.inputs ?? []),
    ...(shape.contents ?? []).map(([path, content]) => ({ path, content })),
  ];
  const outputs = placed(url, folder, shape.outputs ?? []);
  const id = await server.tes.create({
    inputs,
    outputs,
    volumes: ['/w'],
    executors: [{ image: 'any', command: ['bash', '-c', `set -e\n${shape.script}`] }],
  });
  const task = await server.tes.ended(id, 240_000);
  const told = (task.logs?.[0]?.system_logs ?? []).join('\n');
  expect(task.state, `${told}\n${JSON.stringify(task.logs?.[0]?.logs)}`).toBe('COMPLETE');
  expect(task.logs?.[0]?.logs[0]?.stdout).toBe(shape.stdout ?? '');
  for (const line of shape.told ?? []) expect(told).toContain(line);
  const delivered = shape.delivered ?? [];
  const expected = delivered.map(([path, at, content]) => ({
    path,
    // Of local files a name is told as it is: paths are taken literally first.
    url: url(storage === 'file' ? `${folder}/${at}` : encoded(`${folder}/${at}`)),
    size_bytes: sizeOf(content),
  }));
  const key = (row: { path: string; url: string }) => `${row.path} ${row.url}`;
  const byKey = <Row extends { path: string; url: string }>(rows: readonly Row[]) =>
    rows.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  expect(byKey(task.logs?.[0]?.outputs ?? [])).toEqual(byKey(expected));
  for (const [, at, content, left = content] of delivered) {
    expect((await shelf.get(names(at)))?.equals(text(left)), at).toBe(true);
  }
};

describe.each(STORAGES)('%s', (storage) => {
  const shapes = SHAPES.filter(
    ({ storedFolders }) => storage !== 's3' || storedFolders === undefined,
  );
  it.each(shapes.map((shape, index) => [shape.what, index, shape] as const))(
    '%s',
    async (_what, index, shape) => {
      await check(storage, index, shape);
    },
    300_000,
  );
});
