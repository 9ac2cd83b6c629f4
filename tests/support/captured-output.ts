/** An Output that keeps what was written. */
import type { Output } from '../../src/cli/output.ts';

export interface CapturedOutput extends Output {
  readonly stdout: () => string;
  readonly stderr: () => string;
}

export const createCapturedOutput = (): CapturedOutput => {
  const lines: string[] = [];
  const notes: string[] = [];
  return {
    line: (text) => {
      lines.push(text);
    },
    note: (text) => {
      notes.push(text);
    },
    stdout: () => lines.join('\n'),
    stderr: () => notes.join('\n'),
  };
};
