#!/usr/bin/env node
/** From a fresh clone to a task that ran: installs, builds, starts the server, submits an example, shows what came of it, serves until Ctrl-C. Needs Node, npm and Python 3 only. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { isInterrupted, runInGroup, watchInterrupts } from './lib/interrupt.mjs';
import { EXAMPLE, prepareExample, runExample } from './lib/quickstart-example.mjs';
import { ensureDependencies, ensureNode, ensurePython } from './lib/quickstart-machine.mjs';
import { ensureRuntime } from './lib/quickstart-runtime.mjs';
import { assertPortFree, startServer } from './lib/quickstart-server.mjs';
import { inRoot } from './lib/run.mjs';
import { Stop } from './lib/stop.mjs';

const say = (text) => process.stdout.write(`${text}\n`);

const step = (text) => {
  if (isInterrupted()) throw new Stop('interrupted');
  say(`\n▶ ${text}`);
};

const HELP = `npm run quickstart [-- --port 8080 --data ./data --once]
  --once  stop after the example instead of serving until Ctrl-C`;

const readFlags = () => {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: '8080' },
        data: { type: 'string', default: inRoot('data') },
        once: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch ({ message }) {
    throw new Stop(`${message}\n${HELP}`);
  }
};

const build = async () => {
  if ((await runInGroup(process.execPath, [inRoot('scripts', 'build.mjs')])) !== 0) {
    throw new Stop('the build failed, see above');
  }
};

const closingWords = (url, data) => {
  say('\nMagnetar is ready');
  say(`  API         ${url}/ga4gh/tes/v1/service-info`);
  say(`  Swagger UI  ${url}/`);
  say(`  data        ${data}`);
  say('  next        ./bin/tes submit examples/hello.json --wait');
  if (url !== 'http://localhost:8080') say(`              with export TES_URL=${url}`);
};

const serverStep = (data) =>
  existsSync(path.join(data, 'pulsar', 'venv'))
    ? 'server'
    : 'server (the first start installs the embedded Pulsar, about a minute)';

const quickstart = async (flags) => {
  ensureNode();
  await assertPortFree(flags.port);
  step('dependencies');
  await ensureDependencies(say);
  step('build');
  await build();
  step('this machine');
  ensurePython(say);
  const settings = await ensureRuntime(say);
  const folder = prepareExample(flags.data);
  step(serverStep(flags.data));
  const server = await startServer({ port: flags.port, data: flags.data, allow: folder, settings });
  try {
    step(`a task: ${EXAMPLE}`);
    await runExample({ url: server.url, folder, say });
    closingWords(server.url, flags.data);
    if (!flags.once) {
      say('\nserving until Ctrl-C');
      return await server.ended;
    }
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server.stop();
};

const main = async () => {
  watchInterrupts();
  try {
    const flags = readFlags();
    if (!flags.help) return await quickstart(flags);
    say(HELP);
    return 0;
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    if (isInterrupted()) {
      say('\nstopped before it was done; npm run quickstart goes on from here');
      return 130;
    }
    process.stderr.write(`\nquickstart: ${error.message}\n`);
    return 1;
  }
};

process.exitCode = await main();
