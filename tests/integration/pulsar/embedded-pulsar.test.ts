/** The embedded Pulsar over crashes, restarts and changes of settings, with the real thing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createEmbeddedPulsar,
  type EmbeddedPulsar,
  type EmbeddedPulsarOptions,
} from '../../../src/pulsar/embedded/embedded-pulsar.ts';
import { OWNER_ONLY } from '../../../src/pulsar/embedded/layout.ts';
import type { PulsarState } from '../../../src/pulsar/embedded/state.ts';
import { createTempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { createKeptLog } from '../../support/pulsar/kept-log.ts';
import { writeFakePython } from '../../support/pulsar/fake-python.ts';
import {
  REPORT,
  anyJob,
  anySignal,
  fileText,
  finalStatus,
  jobPid,
  newFlag,
  script,
  waitingScript,
} from '../../support/pulsar/jobs.ts';
import { freeze, isRunning, signalTo } from '../../support/pulsar/process.ts';
import {
  VENV,
  pulsarEnvironment,
  pulsarInstallation,
  testEnvironment,
} from '../../support/pulsar/venv.ts';

const CHILD = fileURLToPath(new URL('../../support/pulsar/embedded-child.ts', import.meta.url));
const started: EmbeddedPulsar[] = [];

beforeAll(async () => {
  await pulsarInstallation();
});
afterEach(async () => {
  for (const pulsar of started.splice(0)) await pulsar.stop();
});

const call = () => ({ signal: anySignal() });

const create = (directory: string, more: Partial<EmbeddedPulsarOptions> = {}): EmbeddedPulsar => {
  const pulsar = createEmbeddedPulsar({
    directory,
    venvDirectory: VENV,
    environment: pulsarEnvironment(),
    reportName: REPORT,
    logger: createKeptLog().logger,
    ...more,
  });
  started.push(pulsar);
  return pulsar;
};

const start = async (
  directory: string,
  more: Partial<EmbeddedPulsarOptions> = {},
): Promise<EmbeddedPulsar> => {
  const pulsar = create(directory, more);
  await pulsar.start(anySignal(), () => undefined);
  return pulsar;
};

const newDirectory = (): string => path.join(createTempFolder(), 'pulsar');

const stateOf = (directory: string): PulsarState =>
  JSON.parse(readFileSync(path.join(directory, 'state.json'), 'utf8')) as PulsarState;

describe('a later start', () => {
  it('finds a Pulsar that was left running, with its jobs', async () => {
    const directory = newDirectory();
    const flag = newFlag();
    const first = await start(directory);
    const job = anyJob();
    await first.transport.submit(job, [waitingScript(flag)], call());
    await first.stop({ keepRunning: true });

    const second = await start(directory);
    expect(second.pid()).toBe(first.pid());
    flag.raise();
    const status = await finalStatus(second.transport, job);
    expect(status).toEqual({ status: 'complete', final: true, report: '{"ran":1}' });
    flag.remove();
  });

  it('finds the Pulsar of a server that was killed', async () => {
    const directory = newDirectory();
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: testEnvironment(),
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    child.kill('SIGKILL');
    await once(child, 'exit');
    const pid = Number(line.toString());
    expect(isRunning(pid)).toBe(true);
    expect((await start(directory)).pid()).toBe(pid);
  });

  it('starts Pulsar anew on the same jobs after a stop', async () => {
    const directory = newDirectory();
    const flag = newFlag();
    const first = await start(directory);
    const firstPid = first.pid() ?? 0;
    const job = anyJob();
    await first.transport.submit(job, [waitingScript(flag)], call());
    const process = await jobPid(first.transport, job);
    await first.stop();
    expect(isRunning(firstPid)).toBe(false);
    expect(isRunning(process)).toBe(true);

    const second = await start(directory);
    expect(second.pid()).not.toBe(firstPid);
    flag.raise();
    expect(await fileText(second.transport, job, REPORT)).toBe('{"ran":1}');
    flag.remove();
  });

  it('ends an older Pulsar that has other settings', async () => {
    const directory = newDirectory();
    const first = await start(directory);
    await first.stop({ keepRunning: true });
    const second = await start(directory, { jobEnvironment: { FLAVOUR: 'salt' } });
    expect(isRunning(first.pid() ?? 0)).toBe(false);
    const job = anyJob();
    const lines = ['printf "%s" "$FLAVOUR" > ../metadata/tes/flavour'];
    await second.transport.submit(job, [script(...lines)], call());
    expect(await fileText(second.transport, job, 'tes/flavour')).toBe('salt');
  });

  it('ends an older Pulsar that does not answer', async () => {
    const directory = newDirectory();
    const first = await start(directory);
    await first.stop({ keepRunning: true });
    const thaw = freeze(first.pid() ?? 0);
    const second = await start(directory);
    thaw();
    expect(second.pid()).not.toBe(first.pid());
    expect(isRunning(first.pid() ?? 0)).toBe(false);
  });

  it('leaves a process alone that merely has the recorded id', async () => {
    const directory = newDirectory();
    const first = await start(directory);
    const state = stateOf(directory);
    await first.stop();
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(stranger, 'spawn');
    const pid = stranger.pid ?? 0;
    writeFileSync(path.join(directory, 'state.json'), JSON.stringify({ ...state, pid }));
    const second = await start(directory);
    expect(second.pid()).not.toBe(pid);
    expect(isRunning(pid)).toBe(true);
    stranger.kill('SIGKILL');
  });
});

describe('what jobs and neighbours see', () => {
  it('jobs get the real Python and the home and path of the server', async () => {
    const { transport } = await start(newDirectory());
    const job = anyJob();
    const environment = '"$TES_PYTHON" "$HOME" "$PATH"';
    const lines = [`printf '%s\\n' ${environment} > ../metadata/tes/env`, 'sleep 0.1'];
    await transport.submit(job, [script(...lines)], call());
    const [python, home, searchPath] = (await fileText(transport, job, 'tes/env')).split('\n');
    const { PATH, HOME } = pulsarEnvironment();
    expect([home, searchPath]).toEqual([HOME, PATH]);
    expect(python).toBe((await pulsarInstallation()).python);
    expect(python).not.toContain('shims');
  });

  it('secrets are in files and folders of the owner only', async () => {
    const directory = newDirectory();
    await start(directory, { modes: OWNER_ONLY });
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    const { privateToken } = stateOf(directory);
    for (const name of readdirSync(directory)) {
      const file = path.join(directory, name);
      const { mode } = statSync(file);
      expect(mode & 0o077, name).toBe(0);
      const isLog = name.startsWith('pulsar.log');
      if (isLog) expect(readFileSync(file, 'utf8')).not.toContain(privateToken);
    }
  });

  it('the token is not in the command line', async () => {
    const directory = newDirectory();
    const pulsar = await start(directory);
    const command = readFileSync(`/proc/${String(pulsar.pid())}/cmdline`, 'utf8');
    expect(command).toContain('pulsar.scripts.serve');
    expect(command).not.toContain(stateOf(directory).privateToken);
  });

  it("gunicorn's control socket lies in the folder", async () => {
    const directory = newDirectory();
    await start(directory);
    const socket = path.join(directory, 'run', 'gunicorn.ctl');
    await until(() => existsSync(socket), { what: 'control socket' });
  });

  it('a path too long for a socket does no harm', async () => {
    const directory = path.join(createTempFolder(), 'x'.repeat(120), 'pulsar');
    const { transport } = await start(directory);
    const job = anyJob();
    await transport.submit(job, [script()], call());
    expect((await finalStatus(transport, job)).report).toBe('{"ran":1}');
  });
});

describe('a start that fails', () => {
  it('leaves no process behind when it is called off', async () => {
    const directory = newDirectory();
    const controller = new AbortController();
    const reason = new Error('enough');
    const begun = create(directory).start(controller.signal, () => undefined);
    const outcome = expect(begun).rejects.toBe(reason);
    const isThere = (): boolean => existsSync(path.join(directory, 'state.json'));
    await until(isThere, { everyMs: 1, what: 'process' });
    controller.abort(reason);
    await outcome;
    expect(isRunning(stateOf(directory).pid)).toBe(false);
  });

  it('tells where the log is and how it ends', async () => {
    const directory = newDirectory();
    const folder = createTempFolder();
    const python = writeFakePython(folder, 'python3');
    const pulsar = create(directory, { venvDirectory: path.join(folder, 'venv'), python });
    await expect(pulsar.start(anySignal(), () => undefined)).rejects.toMatchObject({
      code: 'STARTUP',
      message: expect.stringMatching(/ended at its start; its log is .*pulsar\.log/) as unknown,
    });
  });
});

describe('supervision', () => {
  it('brings a killed Pulsar back on its own, again and again', async () => {
    const pulsar = await start(newDirectory());
    for (let n = 0; n < 2; n += 1) {
      const pid = pulsar.pid() ?? 0;
      signalTo(pid, 'SIGKILL');
      const isBack = async (): Promise<boolean> =>
        pulsar.pid() !== pid &&
        (await pulsar.transport.probe(call()).then(
          () => true,
          () => false,
        ));
      await until(isBack, { timeoutMs: 30_000, what: 'next Pulsar' });
    }
  });

  it('ends with stop, also while Pulsar is being brought back', async () => {
    const directory = newDirectory();
    const pulsar = await start(directory);
    const pid = pulsar.pid() ?? 0;
    signalTo(pid, 'SIGKILL');
    await until(() => pulsar.pid() !== pid, { timeoutMs: 30_000, what: 'next process' });
    await pulsar.stop();
    expect(isRunning(pulsar.pid() ?? 0)).toBe(false);
    await expect(pulsar.transport.probe(call())).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
