/** config/default.toml says what the schema says. */
import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { isRecord } from '../../../src/kernel/json.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { keysOf } from '../../../src/config/key-schema.ts';
import { CONFIG_SCHEMA } from '../../../src/config/schema.ts';
import {
  DESTINATION_SCHEMA,
  FILE_ROOT_SCHEMA,
  FTP_HOST_SCHEMA,
  HTTP_HOST_SCHEMA,
  ISSUER_SCHEMA,
  S3_SCHEMA,
} from '../../../src/config/table-schemas.ts';

const FILE = new URL('../../../config/default.toml', import.meta.url);

const text = readFileSync(FILE, 'utf8');

const flatten = (tree: object, prefix = ''): readonly (readonly [string, unknown])[] =>
  Object.entries(tree).flatMap(([name, value]: [string, unknown]) =>
    isRecord(value) ? flatten(value, `${prefix}${name}.`) : [[`${prefix}${name}`, value] as const],
  );

describe('config/default.toml', () => {
  it('holds every key of the schema with its default, in the same order', () => {
    const wanted = keysOf(CONFIG_SCHEMA).filter(([, { format }]) => format !== 'tables');
    const given = flatten(parse(text));
    expect(given).toEqual(wanted.map(([key, schema]) => [key, schema.default]));
  });

  it('mentions every key of a destination that has a meaning today', () => {
    const without = keysOf(DESTINATION_SCHEMA)
      .map(([key]) => key)
      .filter((key) => key !== 'key_prefix' && !new RegExp(`^# ${key} = `, 'm').test(text));
    expect(without).toEqual([]);
  });

  it.each([
    ['an issuer', ISSUER_SCHEMA],
    ['a folder', FILE_ROOT_SCHEMA],
    ['a host of http', HTTP_HOST_SCHEMA],
    ['a host of ftp', FTP_HOST_SCHEMA],
    ['an S3 service', S3_SCHEMA],
  ])('mentions every key of %s', (_, schema) => {
    const keys = keysOf(schema).map(([key]) => key);
    expect(keys.filter((key) => !new RegExp(`^# ${key} = `, 'm').test(text))).toEqual([]);
  });

  it('loads to the same configuration as nothing', () => {
    const { config } = loadConfig({ environment: {}, file: FILE.pathname });
    expect(config).toEqual(loadConfig({ environment: {} }).config);
  });
});
