/** What both commands share: commander set up to answer exit codes and write through Output. */
import { Command, CommanderError } from 'commander';
import { MagnetarError, messageOf } from '../kernel/errors.ts';
import { EXIT } from './exit-codes.ts';
import type { Output } from './output.ts';

export const createProgram = (name: string, output: Output): Command =>
  new Command(name)
    .exitOverride()
    .showHelpAfterError(`(try ${name} --help)`)
    .configureOutput({
      writeOut: (text) => {
        output.line(text.trimEnd());
      },
      writeErr: (text) => {
        output.note(text.trimEnd());
      },
    });

/** A refusal that the user can act on; its message is all that is shown. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const isExpected = (error: unknown): boolean =>
  error instanceof UsageError || (error instanceof MagnetarError && error.row.expose);

const reportError = (name: string, error: unknown, output: Output): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.failure;
  const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  output.note(`${name}: ${isExpected(error) ? messageOf(error) : stack}`);
  return EXIT.failure;
};

/** Runs a program whose actions answer exit codes through `result`. */
export const runProgram = async (
  program: Command,
  argv: readonly string[],
  options: { readonly output: Output; readonly result: () => number },
): Promise<number> => {
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return options.result();
  } catch (error) {
    return reportError(program.name(), error, options.output);
  }
};
