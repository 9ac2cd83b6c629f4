/** What access control costs: create and get with credentials against the same without any, two servers in the same run. */
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { TASK } from './api.mjs';
import { load } from './load.mjs';
import { compare, median } from './report.mjs';
import { BIN, startMagnetar } from './server.mjs';

const ROUNDS = 5;
const CONNECTIONS = 8;

/** An issuer that shows one key and nothing else. */
const startIssuer = async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'RS256' };
  const server = createServer((req, res) => {
    const issuer = `http://${req.headers.host}`;
    const isKeys = req.url === '/keys';
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify(isKeys ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/keys` }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${String(server.address().port)}`;
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: 'RS256', kid: 'bench' })
    .setIssuer(url)
    .setSubject('bench')
    .setAudience('magnetar')
    .setExpirationTime('1h')
    .sign(privateKey);
  return { url, token, stop: () => server.close() };
};

const configOf = (issuer) => `[auth]
modes = ["basic", "token", "oidc"]
[[auth.issuers]]
issuer = "${issuer.url}"
audiences = ["magnetar"]
`;

const createToken = async (data) => {
  const { stdout } = await promisify(execFile)(BIN, ['token', 'create', 'bench', '--data', data]);
  return stdout.trim();
};

const addUser = async (data) => {
  const added = promisify(execFile)(BIN, ['user', 'add', 'bench', '--data', data]);
  added.child.stdin.end('a password for the bench\n');
  await added;
};

const post = (server, headers) => ({
  url: `${server.url}/v1/tasks`,
  method: 'POST',
  headers: { ...headers, 'content-type': 'application/json' },
  body: JSON.stringify(TASK),
});

const createOne = async (server, headers) => {
  const { url, ...init } = post(server, headers);
  return (await (await fetch(url, init)).json()).id;
};

const AMOUNT = 1000;

/** Requests that a server answers in a second of its own processor time: at the limit of one core that is its rate, whatever else runs. */
const rateOf = async (server, options) => {
  const before = server.cpuSeconds();
  await load({ ...options, connections: CONNECTIONS, amount: AMOUNT });
  return AMOUNT / (server.cpuSeconds() - before);
};

/** In turns and after a warm-up, so that what else the machine does meets both; the median of the ratios of neighbours. */
const ratioOf = async (closed, open, requests) => {
  const rates = [];
  for (let n = 0; n <= ROUNDS; n += 1) {
    const ours = await rateOf(closed, requests.ours);
    const beside = await rateOf(open, requests.beside);
    if (n > 0) rates.push({ ours, beside, ratio: ours / beside });
  }
  const middle = median(rates.map(({ ratio }) => ratio));
  return rates.find(({ ratio }) => ratio === middle);
};

export const measureAccess = async () => {
  const issuer = await startIssuer();
  const open = await startMagnetar({ runtime: 'bubblewrap', maxJobs: 0 });
  const closed = await startMagnetar({
    runtime: 'bubblewrap',
    maxJobs: 0,
    more: configOf(issuer),
    prepare: addUser,
  });
  try {
    const basic = Buffer.from('bench:a password for the bench').toString('base64');
    const credentials = [
      ['API token', `Bearer ${await createToken(closed.data)}`],
      ['password', `Basic ${basic}`],
      ['OIDC token', `Bearer ${issuer.token}`],
    ];
    const rows = [];
    for (const [name, authorization] of credentials) {
      const headers = { authorization };
      const id = await createOne(closed, headers);
      const free = await createOne(open, {});
      const pairs = [
        [
          'get MINIMAL',
          { url: `${closed.url}/v1/tasks/${id}`, headers },
          { url: `${open.url}/v1/tasks/${free}` },
        ],
        ['create', post(closed, headers), post(open, {})],
      ];
      for (const [what, ours, beside] of pairs) {
        const rates = await ratioOf(closed, open, { ours, beside });
        const measure = `${what} with ${name} / without, per second of CPU`;
        rows.push(compare({ measure, ...rates, unit: '/s', atLeast: 0.9 }));
      }
    }
    return rows;
  } finally {
    await open.stop();
    await closed.stop();
    issuer.stop();
  }
};
