/** Runs a program to its end and hands its output over line by line. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface CommandOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly signal: AbortSignal;
  readonly onLine?: (line: string) => void;
}

export interface CommandResult {
  /** Undefined when the program could not be started or was ended by a signal. */
  readonly code: number | undefined;
  readonly stdout: readonly string[];
  /** Both streams, as they came. */
  readonly output: readonly string[];
}

/** Lines kept of each: enough for a message, whatever a program prints. */
const KEPT_LINES = 200;

const keep = (lines: string[], line: string): void => {
  lines.push(line);
  if (lines.length > KEPT_LINES) lines.shift();
};

/** Never rejects for what the program does; rejects with the signal's reason after an abort ended it. */
export const runCommand = async (
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> => {
  options.signal.throwIfAborted();
  const stdout: string[] = [];
  const output: string[] = [];
  const child = spawn(program, args, {
    env: options.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const read = (stream: Readable, more?: string[]): void => {
    createInterface({ input: stream }).on('line', (line) => {
      keep(output, line);
      if (more !== undefined) keep(more, line);
      options.onLine?.(line);
    });
  };
  read(child.stdout, stdout);
  read(child.stderr);
  const end = (): void => void child.kill('SIGTERM');
  options.signal.addEventListener('abort', end, { once: true });
  const code = await new Promise<number | undefined>((resolve) => {
    child.once('error', () => {
      resolve(undefined);
    });
    child.once('close', (status) => {
      resolve(status ?? undefined);
    });
  });
  options.signal.removeEventListener('abort', end);
  options.signal.throwIfAborted();
  return { code, stdout, output };
};
