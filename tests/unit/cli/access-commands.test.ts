/** `magnetar user` and `magnetar token`. */
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runMagnetar } from '../../../src/cli/magnetar.ts';
import type { SecretInput } from '../../../src/cli/read-secret.ts';
import { createCapturedOutput } from '../../support/captured-output.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

const signal = new AbortController().signal;

interface Given {
  readonly stdin?: string;
  readonly terminal?: SecretInput;
  readonly environment?: Readonly<Record<string, string>>;
}

const runIn = async (data: string, argv: readonly string[], given: Given = {}) => {
  const output = createCapturedOutput();
  const stdin = new PassThrough();
  stdin.end(given.stdin ?? '');
  const code = await runMagnetar([...argv, '--data', data], {
    environment: given.environment ?? {},
    output,
    stderr: new PassThrough(),
    stdin: given.terminal ?? stdin,
    createApp: () => {
      throw new Error('no application is needed');
    },
    findPython: () => Promise.reject(new Error('no Python is needed')),
    stop: signal,
    cancel: signal,
  });
  return { code, stdout: output.stdout(), stderr: output.stderr() };
};

/** A terminal on which somebody types. */
const createTerminal = (...lines: readonly string[]) => {
  const modes: boolean[] = [];
  const stream = new PassThrough();
  const terminal = Object.assign(stream, {
    isTTY: true,
    setRawMode: (mode: boolean) => {
      modes.push(mode);
      const next = mode ? lines[modes.filter(Boolean).length - 1] : undefined;
      if (next !== undefined) stream.write(next);
      return terminal;
    },
  });
  return { terminal: terminal as unknown as SecretInput, modes };
};

describe('magnetar user', () => {
  it('adds from stdin, lists, removes, and says when nobody is let in by passwords yet', async () => {
    const data = createTempFolder();
    const added = await runIn(data, ['user', 'add', 'alice'], { stdin: 'long enough\nmore\n' });
    expect(added.code).toBe(0);
    expect(added.stderr).toContain('MAGNETAR_AUTH__MODES=basic');
    const environment = { MAGNETAR_AUTH__MODES: 'basic' };
    expect(
      (await runIn(data, ['user', 'add', 'bob'], { stdin: 'long enough', environment })).stderr,
    ).toBe('');
    expect((await runIn(data, ['user', 'list'])).stdout).toMatch(
      /^NAME +CREATED\nalice +20.*\nbob /,
    );
    const json = await runIn(data, ['user', 'list', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject([{ name: 'alice' }, { name: 'bob' }]);
    expect(json.stdout).not.toContain('scrypt');
    expect((await runIn(data, ['user', 'remove', 'alice'])).code).toBe(0);
    expect((await runIn(data, ['user', 'remove', 'alice'])).code).toBe(1);
  });

  it('takes no password from the command line', async () => {
    const result = await runIn(createTempFolder(), ['user', 'add', 'alice', 'secret password']);
    expect(result.code).toBe(1);
  });

  it('asks twice at a terminal, shows nothing, and understands the rub-out key', async () => {
    const { terminal, modes } = createTerminal('long enougg\u007fh\r', 'long enough\r');
    const result = await runIn(createTempFolder(), ['user', 'add', 'alice'], { terminal });
    expect(result.code, result.stderr).toBe(0);
    expect(result.stderr).toContain('password for alice: ');
    expect(result.stdout + result.stderr).not.toContain('enough');
    expect(modes).toEqual([true, false, true, false]);
  });

  it.each([
    ['two that differ', ['long enough\r', 'long enougj\r'], /not the same/],
    ['Ctrl-C', ['long\u0003'], /called off/],
    ['a short one', ['short\r', 'short\r'], /at least 8/],
  ])('refuses %s', async (_, lines, message) => {
    const { terminal } = createTerminal(...lines);
    const result = await runIn(createTempFolder(), ['user', 'add', 'alice'], { terminal });
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(message);
  });
});

describe('magnetar token', () => {
  it('prints a new token alone on stdout, lists without it, revokes', async () => {
    const data = createTempFolder();
    const made = await runIn(data, ['token', 'create', 'robot']);
    expect(made.stdout).toMatch(/^mag_[0-9a-f]{12}_[\w-]{43}$/);
    const id = made.stdout.split('_')[1] ?? '';
    const listed = await runIn(data, ['token', 'list']);
    expect(listed.stdout).toContain(`${id}  robot`);
    expect(listed.stdout).not.toContain(made.stdout.slice(20));
    expect((await runIn(data, ['token', 'revoke', id])).code).toBe(0);
    expect((await runIn(data, ['token', 'revoke', id])).stderr).toContain(`no token ${id}`);
    expect(JSON.parse((await runIn(data, ['token', 'list', '--json'])).stdout)).toEqual([]);
  });
});
