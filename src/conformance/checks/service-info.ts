/** T1-T8: what the server says of itself. */
import { check, holds, type Check } from '../check.ts';
import { assertShape } from '../fixtures.ts';
import type { Answer } from '../http.ts';
import { at, isSame, listOf, textAt, walk, shown } from '../json.ts';
import type { Lab } from '../lab.ts';
import { assertJson, assertStatus, assertThat, choice, pass, weigh } from '../verdict.ts';

const ask = async (lab: Lab): Promise<Answer> => {
  const answer = await lab.send('GET', '/service-info');
  assertStatus(answer, 200);
  return answer;
};

const NEEDED: readonly (readonly string[])[] = [
  ['id'],
  ['name'],
  ['version'],
  ['organization', 'name'],
  ['organization', 'url'],
  ['type', 'group'],
  ['type', 'artifact'],
  ['type', 'version'],
];

const TYPE = { group: 'org.ga4gh', artifact: 'tes', version: '1.1.0' };

const LISTS = ['storage', 'tesResources_backend_parameters'];
const TIMES = ['createdAt', 'updatedAt'];

export const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

export const SERVICE_INFO_CHECKS: readonly Check[] = [
  check(
    'T1',
    'S',
    'service-info answers 200 and JSON of the document',
    holds(async (lab) => {
      const answer = await ask(lab);
      assertJson(answer);
      assertShape(lab, answer, 'serviceInfo');
    }),
  ),
  check(
    'T2',
    'S',
    'service-info names service, organisation and type',
    holds(async (lab) => {
      const { json } = await ask(lab);
      const missing = NEEDED.filter((path) => textAt(json, ...path) === '');
      const names = missing.map((path) => path.join('.')).join(', ');
      assertThat(missing.length === 0, `missing or empty: ${names}`);
    }),
  ),
  check(
    'T3',
    'S',
    'service-info has the type org.ga4gh, tes, 1.1.0',
    holds(async (lab) => {
      const type = at((await ask(lab)).json, 'type');
      assertThat(isSame(type, TYPE), `type is ${shown(type)}`);
    }),
  ),
  check(
    'T4',
    'C',
    'each URL of service-info is absolute',
    holds(async (lab) => {
      for (const [path, value] of walk((await ask(lab)).json)) {
        const isUrl = /url$/i.test(path);
        assertThat(!isUrl || shown(value).includes('://'), `${path} is ${shown(value)}`);
      }
    }),
  ),
  check('T5', 'S', 'storage and backend parameters are lists of texts', async (lab) => {
    const { json } = await ask(lab);
    for (const name of LISTS) {
      const value = at(json, name);
      if (value === undefined) return choice(`${name} is not given`);
      const good = listOf(value).every((item) => typeof item === 'string' && item !== '');
      assertThat(Array.isArray(value) && good, `${name} is ${shown(value)}`);
    }
    return pass();
  }),
  check(
    'T6',
    'S',
    'times of service-info are RFC 3339 and stay',
    holds(async (lab) => {
      const [first, second] = [await ask(lab), await ask(lab)];
      for (const name of TIMES) {
        const value = at(first.json, name);
        const good = value === undefined || RFC_3339.test(textAt(first.json, name));
        assertThat(good, `${name} is ${shown(value)}`);
        assertThat(isSame(value, at(second.json, name)), `${name} changes between two calls`);
      }
    }),
  ),
  check('T7', 'I', 'service-info needs no credentials', async (lab) => {
    const answer = await lab.send('GET', '/service-info', { anonymous: true });
    return weigh(answer, 200, 'service-info without credentials');
  }),
  check(
    'T8',
    'K',
    'service-info has only keys of the document',
    holds(async (lab) => {
      assertShape(lab, await ask(lab), 'serviceInfo', true);
    }),
  ),
];
