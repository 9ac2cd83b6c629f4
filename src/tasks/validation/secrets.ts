/** Backend parameters that may be written, not read: they leave the task before it is stored. */
import type { TaskResources, TaskSpec } from '../spec.ts';

/** Of the names that service-info lists, which have one spelling. */
const isSecret = (name: string): boolean => name.endsWith('_secret');

export type Secrets = Readonly<Record<string, string>>;

const record = (entries: readonly (readonly [string, string])[]) =>
  entries.length === 0 ? undefined : Object.fromEntries(entries);

/** The task without its secrets, and those; undefined = it has none. */
export const takeSecrets = (
  spec: TaskSpec,
): { readonly spec: TaskSpec; readonly secrets: Secrets | undefined } => {
  const { resources } = spec;
  const given = Object.entries(resources?.backend_parameters ?? {});
  const secrets = record(given.filter(([name]) => isSecret(name)));
  if (resources === undefined || secrets === undefined) return { spec, secrets: undefined };
  const { backend_parameters: _all, ...others } = resources;
  const open = record(given.filter(([name]) => !isSecret(name)));
  const shown: TaskResources =
    open === undefined ? others : { ...others, backend_parameters: open };
  return { spec: { ...spec, resources: shown }, secrets };
};
