/** Cuts what is secret out of the URLs of a task, and puts it back. Pure. */
import type { TaskInput, TaskOutput, TaskSpec } from './spec.ts';
import { safeUrl } from './urls.ts';

/** A URL as the client gave it. */
export interface UrlSecret {
  readonly where: 'inputs' | 'outputs';
  readonly index: number;
  readonly url: string;
}

const secretsIn = (
  where: UrlSecret['where'],
  items: readonly (TaskInput | TaskOutput)[],
): readonly UrlSecret[] =>
  items.flatMap(({ url }, index) =>
    url === undefined || safeUrl(url) === url ? [] : [{ where, index, url }],
  );

/** The task with URLs that may be stored and shown, and those that may not. */
export const cutSecrets = (
  spec: TaskSpec,
): { readonly spec: TaskSpec; readonly secrets: readonly UrlSecret[] } => {
  const { inputs = [], outputs = [] } = spec;
  const secrets = [...secretsIn('inputs', inputs), ...secretsIn('outputs', outputs)];
  return { spec: withUrls(spec, secrets, safeUrl), secrets };
};

/** The task as the client gave it. */
export const putSecrets = (spec: TaskSpec, secrets: readonly UrlSecret[]): TaskSpec =>
  withUrls(spec, secrets, (url) => url);

const withUrls = (
  spec: TaskSpec,
  secrets: readonly UrlSecret[],
  change: (url: string) => string,
): TaskSpec => {
  const { inputs, outputs } = spec;
  const urls = new Map(
    secrets.map(({ where, index, url }) => [`${where}/${String(index)}`, change(url)]),
  );
  const changed = <Item extends TaskInput | TaskOutput>(
    where: UrlSecret['where'],
    items: readonly Item[],
  ): readonly Item[] =>
    items.map((item, index) => {
      const url = urls.get(`${where}/${String(index)}`);
      return url === undefined ? item : { ...item, url };
    });
  return {
    ...spec,
    ...(inputs === undefined ? {} : { inputs: changed('inputs', inputs) }),
    ...(outputs === undefined ? {} : { outputs: changed('outputs', outputs) }),
  };
};
