/** Reads the task to submit, from a file or stdin; a `url` that starts with `./` or `../` means a file beside it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { isRecord } from '../kernel/json.ts';
import { messageOf } from '../kernel/errors.ts';
import { UsageError } from './program.ts';

const STDIN = 0;

const RELATIVE = /^\.\.?\//;

const absoluteUrl = (url: unknown, folder: string): unknown =>
  typeof url === 'string' && RELATIVE.test(url)
    ? pathToFileURL(path.resolve(folder, url)).href
    : url;

const withAbsoluteUrls = (files: unknown, folder: string): unknown =>
  Array.isArray(files)
    ? files.map((file: unknown) =>
        isRecord(file) && 'url' in file ? { ...file, url: absoluteUrl(file['url'], folder) } : file,
      )
    : files;

const read = (file: string): string => {
  try {
    return readFileSync(file === '-' ? STDIN : file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read the task: ${messageOf(error)}`);
  }
};

/** The task as it goes to the server. */
export const readTaskFile = (file: string): unknown => {
  const name = file === '-' ? 'stdin' : file;
  let task: unknown;
  try {
    task = JSON.parse(read(file));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${name} is not JSON: ${messageOf(error)}`);
  }
  if (!isRecord(task)) throw new UsageError(`${name} must hold one task, a JSON object`);
  const folder = file === '-' ? '.' : path.dirname(file);
  return {
    ...task,
    ...('inputs' in task ? { inputs: withAbsoluteUrls(task['inputs'], folder) } : {}),
    ...('outputs' in task ? { outputs: withAbsoluteUrls(task['outputs'], folder) } : {}),
  };
};
