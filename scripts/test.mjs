#!/usr/bin/env node
/**
 * `npm test`: brings what the tests need and runs everything, or the areas that are named.
 *   npm test                  everything
 *   npm test -- unit e2e      these areas
 *   npm test -- unit -- NAME  an area, only the files whose path holds NAME
 *   npm run check             the quick part
 * The last line is always `N passed, N failed`; the exit code is 1 when any failed.
 */
import { existsSync } from 'node:fs';
import { AREAS } from './lib/areas.mjs';
import { bringNeeds } from './lib/needs.mjs';
import { nodeModule, runLoud, secondsSince } from './lib/run.mjs';

const say = (text) => process.stdout.write(`${text}\n`);

const readArguments = (argv) => {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  return {
    quick: words.includes('--quick'),
    names: words.filter((word) => !word.startsWith('--')),
    filters: end === -1 ? [] : argv.slice(end + 1),
  };
};

const chooseAreas = ({ quick, names }) => {
  const unknown = names.filter((name) => !AREAS.some((area) => area.name === name));
  if (unknown.length > 0) {
    say(
      `no such area: ${unknown.join(', ')}; there are ${AREAS.map(({ name }) => name).join(', ')}`,
    );
    return [];
  }
  return AREAS.filter((area) =>
    names.length === 0 ? area.quick || !quick : names.includes(area.name),
  );
};

const prepare = async (areas) => {
  if (!existsSync(nodeModule('vitest'))) {
    say('missing: the dependencies → npm ci');
    return false;
  }
  const needs = [...new Set(areas.flatMap((area) => area.needs))];
  if (!(await bringNeeds(needs, say))) return false;
  if (!areas.some((area) => area.build)) return true;
  return (await runLoud(process.execPath, ['scripts/build.mjs'])) === 0;
};

const runArea = async (area, filters) => {
  const start = performance.now();
  say(`▶ ${area.name}`);
  const { passed, failed } = await area.run(filters);
  const mark = failed === 0 ? '✔' : '✘';
  say(`${mark} ${area.name}: ${passed} passed, ${failed} failed (${secondsSince(start)})`);
  return { name: area.name, passed, failed };
};

const CHECKS_AT_ONCE = 2;

/** The static checks two at a time, then what runs code, one after another. */
const runAreas = async (areas, filters) => {
  const results = [];
  const work = async (queue) => {
    for (let area = queue.shift(); area !== undefined; area = queue.shift()) {
      results.push(await runArea(area, filters));
    }
  };
  const checks = areas.filter((area) => area.isCheck);
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, () => work(checks)));
  await work(areas.filter((area) => !area.isCheck));
  return results;
};

const finish = (results) => {
  const total = (key) => results.reduce((sum, one) => sum + one[key], 0);
  const failed = total('failed');
  for (const result of results.filter((one) => one.failed > 0)) {
    say(`failed: ${result.name} (${result.failed})`);
  }
  say(`${total('passed')} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
};

const options = readArguments(process.argv.slice(2));
const areas = chooseAreas(options);
const ready = areas.length > 0 && (await prepare(areas));
finish(
  ready ? await runAreas(areas, options.filters) : [{ name: 'preparation', passed: 0, failed: 1 }],
);
