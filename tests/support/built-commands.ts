/** Runs the built commands, bin/magnetar and bin/tes, as processes of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { testEnvironment } from './pulsar/venv.ts';
import { until } from './until.ts';

export type Command = 'magnetar' | 'tes';

export interface Running {
  /** What it said so far on stdout and stderr. */
  readonly said: () => string;
  readonly stdout: () => string;
  readonly signal: (name: NodeJS.Signals) => void;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

const fileOf = (command: Command): string =>
  fileURLToPath(new URL(`../../bin/${command}`, import.meta.url));

export interface StartOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** Starts a command; the test that is running kills it when it is still there at its end. */
export const startCommand = (
  command: Command,
  argv: readonly string[],
  { environment = {}, stdin = '' }: StartOptions = {},
): Running => {
  const child = spawn(process.execPath, [fileOf(command), ...argv], {
    env: { ...testEnvironment(), ...environment },
  });
  let said = '';
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stdin.end(stdin);
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    said: () => said,
    stdout: () => stdout,
    signal: (name) => {
      child.kill(name);
    },
    ended,
  };
};

export interface Result {
  readonly code: number | string;
  readonly said: string;
  readonly stdout: string;
}

/** Runs a command to its end. */
export const runCommand = async (
  command: Command,
  argv: readonly string[],
  options: StartOptions = {},
): Promise<Result> => {
  const running = startCommand(command, argv, options);
  const code = await running.ended;
  return { code, said: running.said(), stdout: running.stdout() };
};

const START_LIMIT_MS = 60_000;

/** The address that a starting server announces. */
export const urlOf = (running: Running): Promise<string> =>
  until(() => /listens on (\S+)/.exec(running.said())?.[1], {
    timeoutMs: START_LIMIT_MS,
    what: 'the server to listen',
  });
