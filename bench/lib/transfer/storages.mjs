/** The storages of the tests as real servers on loopback; of HTTP and FTP one that takes a password, which only Magnetar knows, and one that does not. */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { tsImport } from 'tsx/esm/api';

const support = (name) => tsImport(`../../../tests/support/storage/${name}.ts`, import.meta.url);

const hostOf = ({ port }) => `127.0.0.1:${String(port)}`;

/** `root`: what it shows, on disk. `base`: as a task names it. `curlBase` and `curl`: as curl does. */
const shelf = (root, base, curl = [], curlBase = base) => ({ root, base, curl, curlBase });

const hostConfig = (kind, { host, user, password }) =>
  `[storage.${kind}]\nallow = ["127.0.0.1"]\n[[storage.${kind}.hosts]]\nhost = "${host}"\nuser = "${user}"\npassword = "${password}"\n`;

/** Each starts what a scheme needs; `config` lets tasks use it, `shelves` are by scheme and method. */
const KINDS = {
  async file(_, files) {
    return {
      config: `[storage.file]\nread = ["${files}"]\nwrite = ["${files}"]\n`,
      shelves: { 'file mount': shelf(files, `file://${files}`) },
    };
  },
  async http(start) {
    const { startNginx, NGINX_USER: user, NGINX_PASSWORD: password } = await support('nginx');
    const [secret, open] = [await start(startNginx()), await start(startNginx())];
    const credentials = ['--user', `${user}:${password}`];
    return {
      config: hostConfig('http', { host: hostOf(secret), user, password }),
      shelves: {
        'http direct': shelf(open.root, `http://${hostOf(open)}/open`),
        'http relay': shelf(secret.root, `http://${hostOf(secret)}/files`, credentials),
      },
    };
  },
  async ftp(start) {
    const { startFtpServer, FTP_USER: user, FTP_PASSWORD: password } = await support('ftp-server');
    const secret = await start(startFtpServer({ tls: false }));
    const open = await start(startFtpServer({ tls: false }));
    const credentials = ['--user', `${user}:${password}`, '--ftp-create-dirs'];
    return {
      config: hostConfig('ftp', { host: hostOf(secret), user, password }),
      shelves: {
        'ftp direct': shelf(open.root, `ftp://${hostOf(open)}`),
        'ftp relay': shelf(secret.root, `ftp://${hostOf(secret)}`, credentials),
      },
    };
  },
  async s3(start) {
    const { startVersitygw } = await support('versitygw');
    const s3 = await start(startVersitygw({ keepAlive: true }));
    const { endpoint, accessKey, secretKey } = s3;
    const root = join(s3.data, 'bucket');
    mkdirSync(root);
    const credentials = [
      ...['--aws-sigv4', 'aws:amz:us-east-1:s3', '--user', `${accessKey}:${secretKey}`],
      ...['--header', 'x-amz-content-sha256: UNSIGNED-PAYLOAD'],
    ];
    const bucket = shelf(root, 's3://bucket', credentials, `${endpoint}/bucket`);
    return {
      config: `[[storage.s3]]\nname = "bench"\nendpoint = "${endpoint}"\naccess_key = "${accessKey}"\nsecret_key = "${secretKey}"\n`,
      shelves: { 's3 links': { ...bucket, s3 }, 's3 relay': { ...bucket, s3 } },
    };
  },
};

/** `schemes`: those that are wanted beside `file`. */
export const startStorages = async (directory, schemes) => {
  const files = join(directory, 'files');
  mkdirSync(files);
  for (const folder of [directory, files]) chmodSync(folder, 0o755); // executors are not us
  const started = [];
  const start = async (starting) => {
    const one = await starting;
    started.push(one);
    return one;
  };
  const stop = () => Promise.all(started.map((one) => one.stop()));
  try {
    const kinds = [];
    for (const scheme of new Set(['file', ...schemes]))
      kinds.push(await KINDS[scheme](start, files));
    return {
      shelves: Object.assign({}, ...kinds.map(({ shelves }) => shelves)),
      config: kinds.map(({ config }) => config).join(''),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
