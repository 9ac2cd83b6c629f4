/** Real clients on a server that asks who they are: each way of a client lets it work, a wrong secret stores nothing, and no secret is in the log. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiToken } from '../../src/access/tokens.ts';
import { addUser } from '../../src/access/users.ts';
import { basicOf, passwordOf } from '../support/access.ts';
import type { WireTask } from '../support/server/tes-client.ts';
import type { ClientName, Result } from './support/client.ts';
import { createNextflow, type NextflowAccess } from './support/nextflow.ts';
import { packagesFromWheels, SNAKEMAKE_LIMIT_MS, snakemake } from './support/snakemake.ts';
import { example, layWords } from './support/words.ts';
import { createWorld, type World, type WorldOptions } from './support/world.ts';

const CONFIG = `[auth]
modes = ["basic", "token"]
token_parameter = "key"
`;
const created = '2026-01-01T00:00:00.000Z';
const PASSWORD = passwordOf('ada');
const WRONG = 'a-wrong-secret-0123456789';

interface Guarded {
  readonly world: World;
  readonly token: string;
  tasks(): Promise<readonly WireTask[]>;
}

const createGuarded = async (
  client: ClientName,
  options: Partial<WorldOptions> = {},
): Promise<Guarded> => {
  const world = await createWorld({ client, config: CONFIG, ...options });
  await addUser(path.join(world.data, 'users.json'), { name: 'ada', password: PASSWORD, created });
  const token = await createApiToken(path.join(world.data, 'tokens.json'), {
    name: 'ada',
    created,
  });
  const headers = { authorization: basicOf('ada', PASSWORD) };
  return {
    world,
    token,
    async tasks() {
      const answer = await fetch(`${world.server.url}/v1/tasks?view=BASIC`, { headers });
      return ((await answer.json()) as { readonly tasks: readonly WireTask[] }).tasks;
    },
  };
};

const expectNoSecrets = ({ world, token }: Guarded): void => {
  const said = world.server.output();
  const encoded = basicOf('ada', PASSWORD).slice('Basic '.length);
  for (const secret of [token, PASSWORD, encoded, WRONG]) expect(said).not.toContain(secret);
};

const PY_TES: readonly ClientName[] = ['py-tes-1.1', 'py-tes-0.4'];

describe.each(PY_TES)('C16: %s', (client) => {
  let guarded: Guarded;

  beforeAll(async () => {
    guarded = await createGuarded(client);
    const script = fileURLToPath(new URL('./py-tes/access.py', import.meta.url));
    cpSync(script, path.join(guarded.world.files, 'access.py'));
  });

  afterAll(() => guarded.world.remove());

  const run = ({ world }: Guarded, kind: string, secret: string): Promise<Result> =>
    world.run(['python', 'access.py', world.server.url, world.files, kind, secret]);

  it.each(['token', 'password'])('works with a %s', async (kind) => {
    const before = (await guarded.tasks()).length;
    const secret = kind === 'token' ? guarded.token : PASSWORD;
    const { code, output } = await run(guarded, kind, secret);
    expect([code, output.trim()]).toEqual([0, 'COMPLETE COMPLETE made']);
    expect((await guarded.tasks()).length).toBe(before + 2);
    expectNoSecrets(guarded);
  });

  it.each(['token', 'password'])('is refused with a wrong %s', async (kind) => {
    const before = (await guarded.tasks()).length;
    expect((await run(guarded, kind, WRONG)).output).toContain('refused: 401');
    expect((await guarded.tasks()).length).toBe(before);
    expectNoSecrets(guarded);
  });
});

describe('C16: Nextflow', () => {
  let guarded: Guarded;

  beforeAll(async () => {
    guarded = await createGuarded('py-tes-1.1');
  });

  afterAll(() => guarded.world.remove());

  const ways: readonly (readonly [string, (secret: string) => NextflowAccess, boolean])[] = [
    ['tes.oauthToken', (secret) => ({ header: `Bearer ${secret}` }), true],
    ['tes.apiKey', (secret) => ({ query: `key=${secret}` }), true],
    ['tes.basicUsername', (secret) => ({ header: basicOf('ada', secret) }), false],
  ];

  it.each(ways)('works with %s, and is refused with a wrong one', async (name, way, isToken) => {
    const { world, token } = guarded;
    const folder = path.join(world.files, name);
    const start = (secret: string) => createNextflow(world.server.url, folder, way(secret));
    const process = { name: 'said', script: 'echo said' };
    const right = start(isToken ? token : PASSWORD);
    const ended = await right.ended(await right.submit(process));
    expect([ended.state, ended.read('.command.out')]).toEqual(['COMPLETE', 'said\n']);
    const before = (await guarded.tasks()).length;
    await expect(start(WRONG).submit(process)).rejects.toThrow(/^401 .*UNAUTHENTICATED/);
    expect((await guarded.tasks()).length).toBe(before);
    expectNoSecrets(guarded);
  });
});

describe('C16: Toil', () => {
  let guarded: Guarded;

  beforeAll(async () => {
    guarded = await createGuarded('toil');
    cpSync(example('toil'), guarded.world.shared, { recursive: true });
    layWords(path.join(guarded.world.shared, 'words'))('green', 'green\n');
  });

  afterAll(() => guarded.world.remove());

  const toil = (store: string, environment: Readonly<Record<string, string>>): Promise<Result> => {
    const { world } = guarded;
    return world.run(
      [
        ...['python', 'letters.py', `file:${world.shared}/${store}`, '--batchSystem', 'tes'],
        ...['--tesEndpoint', world.server.url, '--retryCount', '0'],
        ...['--words', 'words', '--total', `${store}.txt`],
      ],
      { cwd: world.shared, environment },
    );
  };

  it.each(['TOIL_TES_BEARER_TOKEN', 'TOIL_TES_USER'])('works with %s', async (name) => {
    const environment: Readonly<Record<string, string>> =
      name === 'TOIL_TES_USER'
        ? { TOIL_TES_USER: 'ada', TOIL_TES_PASSWORD: PASSWORD }
        : { TOIL_TES_BEARER_TOKEN: guarded.token };
    const { code, output } = await toil(name, environment);
    expect(code, output).toBe(0);
    expect(readFileSync(path.join(guarded.world.shared, `${name}.txt`), 'utf8')).toBe('12\n');
    expectNoSecrets(guarded);
  });

  it('is refused with a wrong token', async () => {
    const before = (await guarded.tasks()).length;
    const { code, output } = await toil('wrong', { TOIL_TES_BEARER_TOKEN: WRONG });
    expect(code, output).not.toBe(0);
    expect(output).toContain('401 Client Error');
    expect((await guarded.tasks()).length).toBe(before);
    expectNoSecrets(guarded);
  });
});

describe('C16: Snakemake', () => {
  let guarded: Guarded;

  beforeAll(async () => {
    guarded = await createGuarded('snakemake', { taskEnvironment: packagesFromWheels });
    const { files, shared } = guarded.world;
    cpSync(example('snakemake'), files, { recursive: true });
    layWords(path.join(shared, 'words'))('green', 'green\n');
    writeFileSync(path.join(files, 'funnel.log'), '');
  });

  afterAll(() => guarded.world.remove());

  const run = ({ world }: Guarded, environment: Readonly<Record<string, string>>) =>
    world.run(snakemake(world), {
      environment: { GITHUB_WORKSPACE: world.files, ...environment },
      limitMs: SNAKEMAKE_LIMIT_MS,
    });

  it.each(['SNAKEMAKE_TES_TOKEN', 'SNAKEMAKE_TES_USER'])('works with %s', async (name) => {
    const { shared } = guarded.world;
    for (const made of ['total.txt', 'counts']) {
      rmSync(path.join(shared, made), { recursive: true, force: true });
    }
    const { code, output } = await run(
      guarded,
      name === 'SNAKEMAKE_TES_USER'
        ? { SNAKEMAKE_TES_USER: 'ada', SNAKEMAKE_TES_PASSWORD: PASSWORD }
        : { SNAKEMAKE_TES_TOKEN: guarded.token },
    );
    expect(code, output).toBe(0);
    expect(readFileSync(path.join(shared, 'total.txt'), 'utf8')).toBe('12\n');
    expectNoSecrets(guarded);
  });

  it('is refused with a wrong token', async () => {
    const before = (await guarded.tasks()).length;
    rmSync(path.join(guarded.world.shared, 'total.txt'), { force: true });
    const { code, output } = await run(guarded, { SNAKEMAKE_TES_TOKEN: WRONG });
    expect(code, output).not.toBe(0);
    expect(output).toContain('401 Client Error');
    expect((await guarded.tasks()).length).toBe(before);
    expectNoSecrets(guarded);
  });
});

describe('C16: cwl-tes, which has no option for a user', () => {
  let guarded: Guarded;

  beforeAll(async () => {
    guarded = await createGuarded('cwl-tes');
    const { files } = guarded.world;
    cpSync(fileURLToPath(new URL('./cwl-tes', import.meta.url)), files, { recursive: true });
    mkdirSync(path.join(files, 'text'));
    writeFileSync(path.join(files, 'text/in.txt'), 'one two three\n');
    const job = { code: 0, text: { class: 'File', location: 'text/in.txt' } };
    writeFileSync(path.join(files, 'job.json'), JSON.stringify(job));
  });

  afterAll(() => guarded.world.remove());

  const run = ({ world }: Guarded, password: string): Promise<Result> => {
    const netrc = path.join(world.files, 'netrc');
    writeFileSync(netrc, `machine 127.0.0.1 login ada password "${password}"\n`);
    return world.run(
      [
        ...['python', 'launch.py', '--tes', world.server.url, '--outdir', 'made'],
        ...['--tmpdir-prefix', `${world.files}/tmp/`, '--tmp-outdir-prefix', `${world.files}/out/`],
        ...['words.cwl', 'job.json'],
      ],
      { environment: { NETRC: netrc } },
    );
  };

  it('works with a password in a netrc file', async () => {
    const { code, output } = await run(guarded, PASSWORD);
    expect(code, output).toBe(0);
    expect(readFileSync(path.join(guarded.world.files, 'made/count.txt'), 'utf8')).toBe('3\n');
    expectNoSecrets(guarded);
  });

  it('is refused with a wrong password', async () => {
    const before = (await guarded.tasks()).length;
    const { code, output } = await run(guarded, WRONG);
    expect(code, output).not.toBe(0);
    expect(output).toContain('401 Client Error');
    expect((await guarded.tasks()).length).toBe(before);
    expectNoSecrets(guarded);
  });
});
