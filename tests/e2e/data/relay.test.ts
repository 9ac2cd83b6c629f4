/** Data that the server moves for its jobs, from and to real servers of each kind. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSite, startServer, type Server, type Site } from '../../support/server/server.ts';
import { SHELVES, startStorageLab, type StorageLab } from '../../support/storage/lab.ts';

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

const text = (value: string): Buffer => Buffer.from(value, 'utf8');
const sh = (script: string) => ({ image: 'any', command: ['sh', '-c', script] });

const finish = async (task: object) => {
  const ended = await server.tes.ended(await server.tes.create(task), 60_000);
  expect([ended.state, ended.logs?.[0]?.system_logs]).toEqual(['COMPLETE', expect.anything()]);
  for (const secret of lab.secrets) expect(JSON.stringify(ended)).not.toContain(secret);
  return ended;
};

describe('links', () => {
  it('let jobs fetch from S3 themselves', async () => {
    const linked = await createSite({ config: lab.config, destination: 'direct = ["s3"]' });
    const other = await startServer(linked);
    try {
      const bytes = randomBytes(300_000);
      await lab.shelves.s3.put(['linked', 'a%b c'], bytes);
      const id = await other.tes.create({
        inputs: [{ url: 's3://bucket/linked/', path: '/in', type: 'DIRECTORY' }],
        executors: [sh('md5sum < "/in/a%b c"')],
      });
      const task = await other.tes.ended(id, 60_000);
      expect(task.logs?.[0]?.logs[0]?.stdout).toBe(
        `${createHash('md5').update(bytes).digest('hex')}  -\n`,
      );
    } finally {
      await other.stop();
      await linked.remove();
    }
  });
});

describe.each(SHELVES)('%s', (name) => {
  it('C30: brings a file and takes the result away', async () => {
    const shelf = lab.shelves[name];
    const bytes = randomBytes(300_000);
    await shelf.put(['in', 'a file'], bytes);
    const url = shelf.url('out/sum');
    const task = await finish({
      inputs: [{ url: shelf.url('in/a%20file'), path: '/data/in' }],
      outputs: [{ url, path: '/data/out' }],
      executors: [
        { image: 'any', command: ['md5sum'], stdin: '/data/in', stdout: '/data/out' },
      ],
    });
    const sum = `${createHash('md5').update(bytes).digest('hex')}  -\n`;
    expect(await shelf.get(['out', 'sum'])).toEqual(text(sum));
    expect(task.logs?.[0]?.outputs).toEqual([
      { url, path: '/data/out', size_bytes: String(sum.length) },
    ]);
  });

  it('brings a folder and takes one away', async () => {
    const shelf = lab.shelves[name];
    await shelf.put(['tree', 'a b'], text('1'));
    await shelf.put(['tree', 'deep', 'er', 'c%41'], text('22'));
    await shelf.put(['tree', 'deep', 'empty'], text(''));
    const task = await finish({
      inputs: [{ url: shelf.url('tree/'), path: '/data/in', type: 'DIRECTORY' }],
      outputs: [{ url: shelf.url('copy'), path: '/data/out', type: 'DIRECTORY' }],
      executors: [sh('cp -r /data/in/. /data/out/ && find /data/in -type f | wc -l')],
    });
    expect(task.logs?.[0]?.logs[0]?.stdout).toBe('3\n');
    expect(await shelf.get(['copy', 'a b'])).toEqual(text('1'));
    expect(await shelf.get(['copy', 'deep', 'er', 'c%41'])).toEqual(text('22'));
    expect(await shelf.get(['copy', 'deep', 'empty'])).toEqual(text(''));
    expect(task.logs?.[0]?.outputs).toHaveLength(3);
  });

  it('says which URL is not there', async () => {
    const url = lab.shelves[name].url('nothing/here');
    const id = await server.tes.create({
      inputs: [{ url, path: '/data/in' }],
      executors: [sh('true')],
    });
    const task = await server.tes.ended(id, 60_000);
    expect(task.state).toBe('SYSTEM_ERROR');
    expect(task.logs?.[0]?.system_logs?.join('\n')).toContain(`${url}: there is no such file`);
  });
});
