/** JobTransport over Pulsar's REST interface. */
import { MagnetarError } from '../../kernel/errors.ts';
import type { JobId } from '../../tasks/ids.ts';
import type { CallOptions } from '../../tasks/ports/call.ts';
import type {
  CollectOptions,
  JobFile,
  JobStatus,
  JobTransport,
  JobUpload,
  Take,
} from '../../tasks/ports/job-transport.ts';
import { decodeObject, decodeStatus, textOf } from '../answers.ts';
import { createPulsarClient, type Call, type Endpoint, type PulsarClient } from './client.ts';
import { refused } from './failures.ts';
import { assertFileName, assertJobId } from '../names.ts';
import { createSubmit, setUp, uploadTo, type LayDown } from './submit.ts';

export interface TransportOptions {
  /** Manager of the Pulsar other than `_default_`. */
  readonly manager?: string;
  /** Report below the job's `metadata/`, brought along in the final status. */
  readonly reportName: string;
  /** Limit of a call without a file; a transfer gets ten times as long. */
  readonly timeoutMs?: number;
  /** How files get into a job's folder; default: uploads. */
  readonly layDown?: LayDown;
}

export interface RestTransportOptions extends TransportOptions {
  /** `http(s)://host:port[/path]`, without user and query. */
  readonly url: string;
  readonly privateToken?: string;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** A small answer of Pulsar itself. */
const ANSWER_BYTES = 1024 * 1024;
/** A final status: streams up to 2 MiB, the report, and every file name of the job (protocol A.5). */
const STATUS_BYTES = 64 * 1024 * 1024;
/**
 * What the runner looks for in the job's folder (docs/runner.md, "Stopping"). It is also Pulsar's own record of a cancel, as
 * JSON: `false` keeps Pulsar from taking the job for cancelled, after which it would not kill it any more.
 */
const STOP_MARK = { type: 'jobdir', name: 'cancelled' } as const;
const STOP_TEXT = Buffer.from('false');
/** Where the working folder, from which dynamic file sources count, finds the report. */
const reportFile = (reportName: string): string => `../metadata/${reportName}`;

const checkedUrl = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const extras = `${url?.username ?? ''}${url?.password ?? ''}${url?.search ?? ''}${url?.hash ?? ''}`;
  if (url === undefined || !/^https?:$/.test(url.protocol) || extras !== '') {
    const rule = 'must be http(s)://host:port[/path] without user, query and fragment';
    throw new MagnetarError('CONFIG_INVALID', `the URL of a Pulsar ${rule}`);
  }
  return url.href.replace(/\/+$/, '');
};

const readStatus = async (
  client: PulsarClient,
  report: string,
  job: JobId,
  { signal }: CallOptions,
): Promise<JobStatus> => {
  const body = await client.send({
    what: 'status',
    lane: 'poll',
    method: 'GET',
    path: `/jobs/${job}/status`,
    maxBytes: STATUS_BYTES,
    signal,
  });
  const answer = decodeObject(body);
  if (answer !== undefined) return decodeStatus(answer, report);
  throw new MagnetarError('PULSAR_REFUSED', `${client.where()}: the status is not JSON`);
};

const readVersion = async (client: PulsarClient, { signal }: CallOptions): Promise<string> => {
  const call = { what: 'health', lane: 'probe', method: 'GET', path: '/healthz' } as const;
  const body = await client.send({ ...call, maxBytes: ANSWER_BYTES, signal });
  const version = textOf(decodeObject(body), 'version');
  if (version !== undefined) return version;
  throw new MagnetarError('PULSAR_REFUSED', `${client.where()} is not a Pulsar`);
};

/** A file of a job, in one of the folders that Pulsar hands out (protocol A.4). */
interface Wanted {
  readonly job: JobId;
  readonly name: string;
  readonly type: 'output' | 'output_metadata';
  readonly lane: Call['lane'];
}

/**
 * A missing file is a 500, a folder a hang-up (protocol A.2), and so are other troubles: the file counts as absent
 * only when Pulsar is well. After a hang-up it is asked once more, because a Pulsar that was just restarted hangs up too.
 */
const download = async (
  client: PulsarClient,
  { job, name, type, lane }: Wanted,
  take: Take,
  { signal, maxBytes }: CollectOptions,
): Promise<boolean> => {
  const path = `/jobs/${job}/files`;
  const what = { what: 'download', lane, method: 'GET', path, query: { type, name } } as const;
  const call = { ...what, maxBytes, signal };
  const first = await client.receive(call, take);
  if (first.kind === 'ok') return true;
  if (first.kind === 'error' && first.status !== 500) {
    throw refused(client.where(), call.what, first.status);
  }
  await readVersion(client, { signal });
  return first.kind === 'hang-up' && (await client.receive(call, take)).kind === 'ok';
};

/** A small file as a whole. */
const collect = async (
  receive: (take: Take) => Promise<boolean>,
): Promise<Uint8Array | undefined> => {
  const pieces: Uint8Array[] = [];
  const found = await receive(async (bytes) => {
    for await (const piece of bytes) pieces.push(piece);
  });
  return found ? Buffer.concat(pieces) : undefined;
};

/** A call whose answer says nothing. */
const command = async (
  client: PulsarClient,
  [what, method, path]: readonly [what: string, method: Call['method'], path: string],
  more: CallOptions & Pick<Call, 'query' | 'body'>,
): Promise<void> => {
  await client.send({ lane: 'control', maxBytes: ANSWER_BYTES, what, method, path, ...more });
};

interface Given {
  readonly client: PulsarClient;
  readonly job: JobId;
  readonly name: string;
  readonly open: () => Promise<JobUpload>;
}

const give = ({ client, job, name, open }: Given, { signal }: CallOptions): Promise<void> => {
  const path = `/jobs/${job}/files`;
  const what = { what: 'upload of an input', lane: 'bulk', method: 'POST', path } as const;
  const call = { ...what, query: { type: 'input', name }, maxBytes: ANSWER_BYTES, signal };
  return client.give(call, open);
};

interface Pulsar {
  readonly client: PulsarClient;
  readonly answerBytes: number;
}

/** Files of any size, out of a job and into it. */
const createFiles = (pulsar: Pulsar): Pick<JobTransport, 'download' | 'upload' | 'collect'> => ({
  async download(job, name, take, call) {
    assertJobId(job);
    assertFileName(name);
    const lane = call.aside === undefined ? 'transfer' : 'aside';
    return download(pulsar.client, { job, name, type: 'output_metadata', lane }, take, call);
  },
  async upload(job, name, open, call) {
    assertJobId(job);
    assertFileName(name);
    await setUp(pulsar, job, call.signal);
    await give({ client: pulsar.client, job, name, open }, call);
  },
  async collect(job, name, take, call) {
    assertJobId(job);
    assertFileName(name);
    return download(pulsar.client, { job, name, type: 'output', lane: 'bulk' }, take, call);
  },
});

/** The transport over a client whose endpoint may change; used by the embedded Pulsar. */
export const createTransportTo = (
  endpoint: () => Endpoint,
  options: TransportOptions,
): JobTransport => {
  const { reportName, timeoutMs = DEFAULT_TIMEOUT_MS, manager } = options;
  assertFileName(reportName);
  const client = createPulsarClient({
    endpoint,
    timeoutMs,
    ...(manager === undefined ? {} : { manager }),
  });
  const report = reportFile(reportName);
  const status = (job: JobId, call: CallOptions) => readStatus(client, report, job, call);
  const { layDown = uploadTo(client, ANSWER_BYTES) } = options;
  const pulsar = { client, answerBytes: ANSWER_BYTES };
  const submit = createSubmit({ ...pulsar, layDown, status, report });

  const transport: JobTransport = {
    async submit(job, files: readonly JobFile[], call) {
      assertJobId(job);
      for (const file of files) assertFileName(file.name);
      await submit(job, files, call);
    },
    async status(job, call) {
      assertJobId(job);
      return status(job, call);
    },
    fetch(job, name, call) {
      return collect((take) => transport.download(job, name, take, call));
    },
    ...createFiles(pulsar),
    async askToStop(job, call) {
      assertJobId(job);
      const mark = { query: STOP_MARK, body: STOP_TEXT };
      await command(client, ['stop mark', 'POST', `/jobs/${job}/files`], { ...call, ...mark });
    },
    async kill(job, call) {
      assertJobId(job);
      await command(client, ['cancel', 'PUT', `/jobs/${job}/cancel`], call);
    },
    async clean(job, call) {
      assertJobId(job);
      await command(client, ['clean', 'DELETE', `/jobs/${job}`], call);
    },
    async probe(call) {
      return { version: await readVersion(client, call) };
    },
    close() {
      client.close();
      return Promise.resolve();
    },
  };
  return transport;
};

/** A Pulsar that runs elsewhere. Throws CONFIG_INVALID for a URL that is no plain base URL. */
export const createRestTransport = (options: RestTransportOptions): JobTransport => {
  const endpoint: Endpoint = {
    url: checkedUrl(options.url),
    ...(options.privateToken === undefined ? {} : { privateToken: options.privateToken }),
  };
  return createTransportTo(() => endpoint, options);
};
