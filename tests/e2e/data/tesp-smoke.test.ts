/** The 17 smoke tests of TESP API, the 4 that it had switched off among them, as tests of our own. */
import { rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KINDS, startStage, type Stage } from '../../support/server/on-engine.ts';
import type { WireTask } from '../../support/server/tes-client.ts';
import { startStorageLab, type StorageLab } from '../../support/storage/lab.ts';
import { startUploadServer, type UploadServer } from '../../support/storage/upload-server.ts';
import { CASES, GATE, type Step } from './tesp-cases.ts';

const SHOWN: Readonly<Record<string, string>> = {
  'test.txt': 'this is a test file\n',
  'input_file.txt': 'the file\n',
  'input_dir/dir1/one.txt': 'one\n',
  'input_dir/dir2/two.txt': 'two\n',
};

let lab: StorageLab;
let web: UploadServer;

beforeAll(async () => {
  [lab, web] = await Promise.all([startStorageLab(), startUploadServer()]);
  for (const [path, text] of Object.entries(SHOWN)) {
    await web.shown.put(['test_data', ...path.split('/')], Buffer.from(text));
  }
});

afterAll(async () => {
  await lab.stop();
  await web.stop();
});

const uploadHost = (): string => `
[[storage.http.hosts]]
host = "${new URL(web.url).host}"
upload = "post"
`;

describe.each(KINDS)('on %s', (kind) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage(kind, lab.config + uploadHost());
  });

  afterAll(async () => {
    await stage.stop();
  });

  const getJson = async (path: string): Promise<unknown> => {
    const answer = await fetch(stage.server.url + path);
    expect(answer.status).toBe(200);
    return answer.json();
  };

  const take = async ({ task, end = 'COMPLETE', codes, stdout, isGated }: Step) => {
    const { tes } = stage.server;
    const mark = join(stage.site.marks, basename(GATE));
    rmSync(mark, { force: true });
    const id = await tes.create(task);
    if (isGated === true) await tes.reached(id, 'RUNNING');
    writeFileSync(mark, '');
    const ended: WireTask = await tes.ended(id, 90_000);
    const { logs = [], system_logs = [] } = ended.logs?.[0] ?? {};
    expect([ended.state, system_logs]).toEqual([end, expect.anything()]);
    if (codes !== undefined) expect(logs.map(({ exit_code }) => exit_code)).toEqual(codes);
    for (const [i, text] of (stdout ?? []).entries()) {
      if (typeof text === 'string') expect(logs[i]?.stdout).toBe(text);
      else expect(logs[i]?.stdout).toMatch(text);
    }
    for (const secret of lab.secrets) {
      expect(JSON.stringify(ended)).not.toContain(secret);
      expect(JSON.stringify(ended)).not.toContain(encodeURIComponent(secret));
    }
  };

  it.each(CASES)('$name', async ({ steps, uploaded = {} }) => {
    for (const step of steps({ lab, web })) await take(step);
    for (const [name, text] of Object.entries(uploaded)) {
      expect((await web.uploaded.get(name.split('/')))?.toString(), name).toBe(text);
    }
    await web.uploaded.clear();
  });

  it('S1.8: service-info says who runs which version of what', async () => {
    expect(await getJson('/v1/service-info')).toMatchObject({
      id: expect.stringMatching(/./) as string,
      name: expect.stringMatching(/./) as string,
      // TESP API says 1.0.0 here.
      type: { group: 'org.ga4gh', artifact: 'tes', version: '1.1.0' },
      organization: {
        name: expect.stringMatching(/./) as string,
        url: expect.stringMatching(/^https?:/) as string,
      },
      version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
    });
  });

  it('S1.2: the list shows a task that was created', async () => {
    const id = await stage.server.tes.create({ executors: [{ image: 'ubuntu', command: ['true'] }] });
    const { tasks } = (await getJson('/v1/tasks')) as { readonly tasks: readonly object[] };
    expect(tasks).toContainEqual(expect.objectContaining({ id }));
    await stage.server.tes.ended(id);
  });

  it('S1.7: a task that would run for ever is cancelled', async () => {
    const { tes, url } = stage.server;
    const command = ['sleep', 'infinity'];
    const id = await tes.create({ executors: [{ image: 'ubuntu', command }] });
    await tes.reached(id, 'RUNNING');
    const answer = await fetch(`${url}/v1/tasks/${id}:cancel`, { method: 'POST' });
    expect(answer.status).toBe(200);
    // Unlike TESP API it is CANCELING until nothing of it runs any more.
    expect((await tes.ended(id)).state).toBe('CANCELED');
  });
});
