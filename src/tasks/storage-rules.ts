/** Judges the URLs of a task at its creation: scheme, local folders, hosts. Whoever connects judges hosts again after resolving them. */
import {
  isMagnetarError,
  MagnetarError,
  type ErrorCode,
  type FieldProblem,
} from '../kernel/errors.ts';
import { withoutCheck } from './input-check.ts';
import type { CallOptions } from './ports/call.ts';
import type { FileAccess, FileUse } from './ports/file-access.ts';
import type { SchemeRules, UrlRules } from './ports/url-rules.ts';
import type { TaskInput, TaskOutput, TaskSpec } from './spec.ts';
import type { Caller } from './grants.ts';
import { filePathsOf, outputPathOf, schemeOf, segmentsOf } from './urls.ts';
import { LIMITS } from './validation/limits.ts';
import { hasWildcard } from './validation/patterns.ts';

export interface StorageRules {
  readonly files: FileAccess;
  readonly schemes: SchemeRules;
}

/** A URL of the task, and what is to be done with it. */
interface Transfer {
  readonly field: string;
  readonly url: string;
  readonly use: FileUse;
  readonly caller: Caller;
  /** The URL names one file, not a folder. */
  readonly file: boolean;
}

type RefusalCode = Extract<ErrorCode, 'BAD_TASK' | 'SCHEME_UNSUPPORTED' | 'STORAGE_REFUSED'>;

interface Refusal extends FieldProblem {
  readonly code: RefusalCode;
}

const refuse = (transfer: Transfer, code: RefusalCode, message: string): Refusal => ({
  field: transfer.field,
  code,
  message,
});

/** The allowed folder that shares the most leading segments with the path. */
const nearestRoot = (path: string, roots: readonly string[]): string | undefined => {
  const given = segmentsOf(path);
  const shared = (root: string): number => {
    const other = segmentsOf(root);
    const end = given.findIndex((segment, index) => other[index] !== segment);
    return end === -1 ? given.length : end;
  };
  return [...roots].sort((a, b) => shared(b) - shared(a))[0];
};

const parentOf = (path: string): string => `/${segmentsOf(path).slice(0, -1).join('/')}`;

/** How to allow a path: the flag and the line of the configuration (C24). */
const remedy = (path: string, { use, file }: Transfer, roots: readonly string[]): string => {
  const nearest = nearestRoot(path, roots);
  const folder = file && segmentsOf(path).length > 1 ? parentOf(path) : path;
  const why =
    nearest === undefined
      ? `no folder is open to ${use}`
      : `the nearest one to ${use} is ${nearest}`;
  return `${why}; start the server with --allow ${folder}, or put ${use} = ["${folder}"] under [storage.file], where "allow" says for whom`;
};

const judgeFile = async (
  transfer: Transfer,
  { files }: StorageRules,
  options: CallOptions,
): Promise<Refusal | undefined> => {
  const { url, use, file, caller } = transfer;
  const output = outputPathOf(url);
  const paths = use === 'read' || output === undefined ? filePathsOf(url) : [output];
  if (paths.length === 0) {
    return refuse(transfer, 'BAD_TASK', 'must be file:// with an absolute path and no host');
  }
  const verdict = await files.check(paths, use, {
    ...options,
    file: file && use === 'write',
    caller,
  });
  if (verdict.allowed) return undefined;
  const { path, reason, outside } = verdict;
  const message = outside
    ? `${path} ${reason}: ${remedy(path, transfer, files.rootsFor(caller)[use])}`
    : `${path} ${reason}`;
  return refuse(transfer, 'STORAGE_REFUSED', message);
};

const CODES: readonly RefusalCode[] = ['BAD_TASK', 'STORAGE_REFUSED'];

const judgeUrl = (transfer: Transfer, rules: UrlRules): Refusal | undefined => {
  try {
    rules.judge(transfer.url, transfer);
    return undefined;
  } catch (error) {
    if (!isMagnetarError(error)) throw error;
    const code = CODES.find((one) => one === error.code);
    if (code === undefined) throw error;
    return refuse(transfer, code, error.message);
  }
};

const judge = (
  transfer: Transfer,
  rules: StorageRules,
  options: CallOptions,
): Promise<Refusal | undefined> | Refusal | undefined => {
  const scheme = schemeOf(transfer.url);
  if (scheme === undefined) {
    return refuse(transfer, 'BAD_TASK', 'must be a URL with a scheme, or an absolute path');
  }
  if (scheme === 'file') return judgeFile(transfer, rules, options);
  const known = Object.hasOwn(rules.schemes, scheme) ? rules.schemes[scheme] : undefined;
  if (known !== undefined) return judgeUrl(transfer, known);
  const names = ['file', ...Object.keys(rules.schemes)].join(', ');
  return refuse(
    transfer,
    'SCHEME_UNSUPPORTED',
    `has the scheme "${scheme.slice(0, 32)}", which is not supported (supported: ${names})`,
  );
};

/** An input with content ignores its URL (trap 16, T23). */
const inputTransfers = (input: TaskInput, index: number, caller: Caller): readonly Transfer[] =>
  input.url === undefined || input.content_bytes !== undefined
    ? []
    : [
        {
          field: `inputs[${String(index)}].url`,
          url: withoutCheck(input.url),
          use: 'read',
          caller,
          file: input.type !== 'DIRECTORY',
        },
      ];

const outputTransfer = (output: TaskOutput, index: number, caller: Caller): Transfer => ({
  field: `outputs[${String(index)}].url`,
  url: output.url,
  use: 'write',
  caller,
  file: output.type !== 'DIRECTORY' && !output.url.endsWith('/') && !hasWildcard(output.path),
});

/** The code of an answer with several refusals: the client's slip first. */
const PRECEDENCE: readonly RefusalCode[] = ['BAD_TASK', 'SCHEME_UNSUPPORTED', 'STORAGE_REFUSED'];

/**
 * Refuses a task whose URLs this server cannot or must not use; all of them are told at once.
 * @throws MagnetarError BAD_TASK, SCHEME_UNSUPPORTED (T46) or STORAGE_REFUSED (C24)
 */
export const assertStorage = async (
  { spec, caller }: { readonly spec: TaskSpec; readonly caller: Caller },
  rules: StorageRules,
  options: CallOptions,
): Promise<void> => {
  const transfers = [
    ...(spec.inputs ?? []).flatMap((input, i) => inputTransfers(input, i, caller)),
    ...(spec.outputs ?? []).map((output, i) => outputTransfer(output, i, caller)),
  ];
  const refusals: Refusal[] = [];
  for (const transfer of transfers) {
    const refusal = await judge(transfer, rules, options);
    if (refusal !== undefined) refusals.push(refusal);
    if (refusals.length >= LIMITS.problems) break;
  }
  const code = PRECEDENCE.find((one) => refusals.some((refusal) => refusal.code === one));
  const first = refusals.find((refusal) => refusal.code === code);
  if (code === undefined || first === undefined) return;
  throw new MagnetarError(code, `${first.field}: ${first.message}`, {
    details: refusals.map(({ field, message }) => ({ field, message })),
  });
};
