/** Files and folders that this process has open below a folder. */
import { readdirSync, readlinkSync } from 'node:fs';

const targetOf = (fd: string): string => {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ''; // the one by which the list itself was read
  }
};

export const openFilesBelow = (folder: string): number =>
  readdirSync('/proc/self/fd')
    .map(targetOf)
    .filter((target) => target.startsWith(folder)).length;
