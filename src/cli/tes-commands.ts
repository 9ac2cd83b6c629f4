/** What the `tes` commands do, once their arguments are read; each answers an exit code. */
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { table, toJson, type Output } from './output.ts';
import { UsageError } from './program.ts';
import { readTaskFile } from './task-file.ts';
import type { StreamAnswer, TesClient, TesView } from './tes-client.ts';
import { readFullLogs } from './tes-full-logs.ts';
import { logLines, runningExecutor, type LiveLog } from './tes-logs.ts';
import { readTask, type TesTask } from './tes-task.ts';
import { waitForAll, worstCode, type WaitResult } from './tes-wait.ts';

export interface TesContext {
  readonly client: TesClient;
  readonly output: Output;
  readonly json: boolean;
}

export interface WaitArguments {
  readonly timeout: number | undefined;
}

const runWait = async (
  { client, output }: TesContext,
  ids: readonly string[],
  timeout: number | undefined,
): Promise<readonly WaitResult[]> =>
  waitForAll(client, ids, {
    timeout,
    onState: (id, state) => {
      output.note(`${id} ${state}`);
    },
  });

const hintsFor = (results: readonly WaitResult[]): readonly string[] =>
  results.flatMap(({ id, code, state }) => {
    if (code === EXIT.timeout) return [`${id} is still ${state}; it goes on: tes wait ${id}`];
    return code === EXIT.executorError || code === EXIT.systemError ? [`see: tes logs ${id}`] : [];
  });

export interface SubmitArguments extends WaitArguments {
  readonly file: string;
  readonly wait: boolean;
}

export const submit = async (context: TesContext, given: SubmitArguments): Promise<number> => {
  const { client, output, json } = context;
  if (given.timeout !== undefined && !given.wait) throw new UsageError('--timeout needs --wait');
  const id = await client.submit(readTaskFile(given.file));
  if (id === '') throw new UsageError('the server took the task but answered no id');
  if (!given.wait) {
    output.line(json ? toJson({ id }) : id);
    return EXIT.ok;
  }
  if (!json) output.line(id);
  const results = await runWait(context, [id], given.timeout);
  if (json) output.line(toJson(await client.get(id, 'FULL')));
  else hintsFor(results).forEach(output.note);
  return worstCode(results);
};

export const wait = async (
  context: TesContext,
  ids: readonly string[],
  { timeout }: WaitArguments,
): Promise<number> => {
  const results = await runWait(context, ids, timeout);
  if (context.json) context.output.line(toJson(results.map(({ id, state }) => ({ id, state }))));
  else hintsFor(results).forEach(context.output.note);
  return worstCode(results);
};

export interface ListArguments {
  readonly state: string | undefined;
  readonly namePrefix: string | undefined;
  /** `key` or `key=value`. */
  readonly tags: readonly string[];
  readonly limit: number;
  readonly all: boolean;
}

const MAX_PAGE = 256;

const listQuery = (given: ListArguments): URLSearchParams => {
  const query = new URLSearchParams({ view: 'BASIC' });
  if (given.state !== undefined) query.set('state', given.state.toUpperCase());
  if (given.namePrefix !== undefined) query.set('name_prefix', given.namePrefix);
  for (const tag of given.tags) {
    const [key = '', ...value] = tag.split('=');
    query.append('tag_key', key);
    query.append('tag_value', value.join('='));
  }
  return query;
};

interface Listed {
  readonly tasks: readonly unknown[];
  /** There are older ones. */
  readonly more: boolean;
}

const readTasks = async (client: TesClient, given: ListArguments): Promise<Listed> => {
  const wanted = given.all ? Number.POSITIVE_INFINITY : given.limit;
  const query = listQuery(given);
  const tasks: unknown[] = [];
  let more = true;
  for (let token = ''; tasks.length < wanted;) {
    query.set('page_size', String(Math.min(MAX_PAGE, wanted - tasks.length)));
    if (token !== '') query.set('page_token', token);
    const page = await client.list(query);
    tasks.push(...page.tasks);
    more = page.next !== '' && page.next !== token;
    if (!more) break;
    token = page.next;
  }
  return { tasks: tasks.slice(0, given.all ? undefined : given.limit), more };
};

export const list = async (context: TesContext, given: ListArguments): Promise<number> => {
  const { tasks, more } = await readTasks(context.client, given);
  if (context.json) {
    context.output.line(toJson(tasks));
    return EXIT.ok;
  }
  const rows = tasks
    .map(readTask)
    .map(({ id, state, created, name }) => [id, state, created, name]);
  for (const row of table([['ID', 'STATE', 'CREATED', 'NAME'], ...rows])) context.output.line(row);
  if (more) context.output.note(`there are older tasks: --limit N, or --all`);
  return EXIT.ok;
};

export const get = async (context: TesContext, id: string, view: TesView): Promise<number> => {
  context.output.line(toJson(await context.client.get(id, view)));
  return EXIT.ok;
};

/** What the executor that runs has written by now. */
const readLive = async (client: TesClient, task: TesTask): Promise<LiveLog | undefined> => {
  const place = runningExecutor(task);
  if (place === undefined) return undefined;
  const [stdout, stderr] = await Promise.all([
    client.stream(task.id, { ...place, name: 'stdout' }),
    client.stream(task.id, { ...place, name: 'stderr' }),
  ]);
  const textOf = (answer: StreamAnswer): string => ('text' in answer ? answer.text : '');
  return { executor: place.executor, stdout: textOf(stdout), stderr: textOf(stderr) };
};

const showFullLogs = async ({ client, output, json }: TesContext, task: TesTask) => {
  const { task: whole, missing } = await readFullLogs(client, task);
  const { id, state, attempts } = whole;
  if (json) output.line(toJson({ id, state, attempts, missing }));
  else logLines(whole).forEach(output.line);
  for (const place of missing) output.note(`${id}: ${place} is not kept any more in full`);
  return missing.length === 0 ? EXIT.ok : EXIT.failure;
};

export interface LogArguments {
  readonly full: boolean;
}

export const logs = async (
  context: TesContext,
  id: string,
  { full }: LogArguments,
): Promise<number> => {
  const answer = await context.client.get(id, 'FULL');
  const task = readTask(answer);
  if (full) return showFullLogs(context, task);
  if (context.json) {
    context.output.line(toJson({ id: task.id, state: task.state, attempts: task.attempts }));
  } else {
    logLines(task, await readLive(context.client, task)).forEach(context.output.line);
  }
  return EXIT.ok;
};

export const cancel = async (context: TesContext, ids: readonly string[]): Promise<number> => {
  const canceled: string[] = [];
  for (const id of ids) {
    const { state } = readTask(await context.client.get(id, 'MINIMAL'));
    if (exitCodeOf(state) === undefined) {
      await context.client.cancel(id);
      canceled.push(id);
      if (!context.json) context.output.line(`${id} is told to stop`);
    } else context.output.note(`${id} has ended already: ${state}`);
  }
  if (context.json) context.output.line(toJson({ canceled }));
  return EXIT.ok;
};

export const info = async (context: TesContext): Promise<number> => {
  context.output.line(toJson(await context.client.serviceInfo()));
  return EXIT.ok;
};
