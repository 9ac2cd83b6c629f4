#!/usr/bin/env node
/**
 * Measures the built server against its own limits, each pair in one run, and prints ratios.
 *   npm run bench                     everything with bubblewrap
 *   npm run bench -- api dispatch     these parts
 *   npm run bench -- dispatch --runtime podman --image localhost/busybox
 *   npm run bench -- transfer --only 'many in, s3' --large 512 --rounds 5
 * Quote ratios, not times: they hold on a busy machine, times do not. Exit code 0 whatever the figures are.
 */
import { parseArgs } from 'node:util';
import { measureAccess } from './lib/access.mjs';
import { measureApi } from './lib/api.mjs';
import { RUNTIMES, measureDispatch } from './lib/dispatch.mjs';
import { measurePolling } from './lib/polling.mjs';
import { printRows } from './lib/report.mjs';
import { measureScale } from './lib/scale.mjs';
import { measureTransfer } from './lib/transfer.mjs';
import { measureWaiters } from './lib/waiters.mjs';

const PARTS = {
  api: measureApi,
  scale: measureScale,
  access: measureAccess,
  waiters: measureWaiters,
  polling: measurePolling,
  dispatch: measureDispatch,
  transfer: measureTransfer,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: 'string', default: 'bubblewrap' },
    image: { type: 'string', default: 'any' },
    seconds: { type: 'string', default: '4' },
    only: { type: 'string', default: '' },
    large: { type: 'string', default: '2048' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});

if (!RUNTIMES.includes(values.runtime)) {
  process.stderr.write(
    `no such runtime to measure: ${values.runtime}; there are ${RUNTIMES.join(', ')}\n`,
  );
  process.exit(1);
}

const unknown = positionals.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  process.stderr.write(
    `no such part: ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}\n`,
  );
  process.exit(1);
}

const rows = [];
for (const name of positionals.length === 0 ? Object.keys(PARTS) : positionals) {
  process.stderr.write(`measuring ${name}\n`);
  rows.push(...(await PARTS[name]({ ...values, seconds: Number(values.seconds) })));
}
printRows(rows, values.json);
