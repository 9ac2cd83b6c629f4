/** Secrets by reference: `env:NAME` and `file:PATH` keep them out of the configuration file. */
import { readFileSync } from 'node:fs';
import { messageOf } from '../kernel/errors.ts';
import type { Environment } from './environment.ts';

export type ResolvedSecret = { readonly value: string } | { readonly problem: string };

const fromEnvironment = (name: string, environment: Environment): ResolvedSecret => {
  const value = environment[name] ?? '';
  return value === '' ? { problem: `variable ${name} is not set` } : { value };
};

const fromFile = (file: string): ResolvedSecret => {
  try {
    return { value: readFileSync(file, 'utf8').trim() };
  } catch (error) {
    return { problem: `cannot read the secret: ${messageOf(error)}` };
  }
};

/** The value meant by a key for a secret; empty stays empty. */
export const resolveSecret = (given: string, environment: Environment): ResolvedSecret => {
  if (given.startsWith('env:')) return fromEnvironment(given.slice('env:'.length), environment);
  return given.startsWith('file:') ? fromFile(given.slice('file:'.length)) : { value: given };
};
