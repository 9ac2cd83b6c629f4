/** The sources of the configuration as layers of dotted keys, lowest first: profile sections, file, environment, flags. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { parse as parseYaml } from 'yaml';
import { MagnetarError, messageOf } from '../kernel/errors.ts';
import { isRecord } from '../kernel/json.ts';
import type { Environment } from './environment.ts';
import { FORMATS, type FormatName } from './formats.ts';
import { keysOf, type KeySchema } from './key-schema.ts';
import { CONFIG_SCHEMA } from './schema.ts';

export interface Layer {
  /** What messages and `magnetar config` call it. */
  readonly name: string;
  /** Dotted key → value and where exactly it was set. */
  readonly values: ReadonlyMap<string, { readonly value: unknown; readonly source: string }>;
}

export interface Flags {
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly data?: string | undefined;
  readonly store?: string | undefined;
}

const KEYS: ReadonlyMap<string, KeySchema<unknown>> = new Map(keysOf(CONFIG_SCHEMA));
const SECTIONS: ReadonlySet<string> = new Set(
  [...KEYS.keys()].flatMap((key) =>
    key
      .split('.')
      .slice(0, -1)
      .map((_, index, parts) => parts.slice(0, index + 1).join('.')),
  ),
);

const neighboursOf = (key: string): string => {
  const section = key.includes('.') ? key.slice(0, key.lastIndexOf('.') + 1) : '';
  const names = [...KEYS.keys()].filter((known) => known.startsWith(section));
  const list = names.length === 0 ? [...KEYS.keys()] : names;
  return [...new Set(list.map((name) => (section === '' ? name.split('.')[0] : name)))].join(', ');
};

const refuse = (message: string): never => {
  throw new MagnetarError('CONFIG_INVALID', message);
};

const unknownKey = (key: string, source: string): never =>
  refuse(`unknown key ${key} (${source}); known here: ${neighboursOf(key)}`);

const flatten = (
  table: Readonly<Record<string, unknown>>,
  source: string,
  prefix = '',
): readonly (readonly [string, { value: unknown; source: string }])[] =>
  Object.entries(table).flatMap(([name, value]) => {
    const key = `${prefix}${name}`;
    if (KEYS.has(key)) return [[key, { value, source }] as const];
    if (!SECTIONS.has(key)) return unknownKey(key, source);
    if (!isRecord(value)) return refuse(`${key} (${source}) must be a section, not a value`);
    return flatten(value, source, `${key}.`);
  });

const layerOf = (name: string, table: Readonly<Record<string, unknown>>): Layer => ({
  name,
  values: new Map(flatten(table, name)),
});

const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  '.toml': parseToml,
  '.yaml': (text) => parseYaml(text) as unknown,
  '.yml': (text) => parseYaml(text) as unknown,
};

const readTable = (file: string): Readonly<Record<string, unknown>> => {
  const parse = PARSERS[path.extname(file).toLowerCase()];
  if (parse === undefined) {
    throw new MagnetarError('CONFIG_INVALID', `${file} must end in .toml, .yaml or .yml`);
  }
  let table: unknown;
  try {
    table = parse(readFileSync(file, 'utf8')) ?? {};
  } catch (error) {
    throw new MagnetarError('CONFIG_INVALID', `cannot read ${file}: ${messageOf(error)}`);
  }
  return isRecord(table) ? table : refuse(`${file} must hold sections, not a list or a value`);
};

const DEFAULT_PROFILE = 'default';

const isSchemaName = (name: string): boolean => KEYS.has(name) || SECTIONS.has(name);

const tableEntries = (
  table: Readonly<Record<string, unknown>>,
  wanted: (name: string) => boolean,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(table).filter(([name]) => wanted(name)));

/**
 * Layers of a file. Where it has a `[default]` table, other tables that are no sections are profiles: the chosen one
 * goes over `[default]`, what stands outside of profiles over both. Profiles that are not chosen are checked for unknown keys too.
 */
const fileLayers = (file: string, profile: string | undefined): readonly Layer[] => {
  const table = readTable(file);
  const hasProfiles = Object.hasOwn(table, DEFAULT_PROFILE);
  if (!hasProfiles) {
    if (profile !== undefined)
      refuse(`MAGNETAR_PROFILE is ${profile}, but ${file} has no [default] and no profiles`);
    return [layerOf(file, table)];
  }
  const profiles = tableEntries(table, (name) => !isSchemaName(name));
  const layers = Object.entries(profiles).map(([name, value]) =>
    isRecord(value) ? layerOf(`${file} [${name}]`, value) : unknownKey(name, file),
  );
  const chosen = profile ?? DEFAULT_PROFILE;
  if (!Object.hasOwn(profiles, chosen)) {
    refuse(
      `MAGNETAR_PROFILE is ${chosen}, but ${file} has only ${Object.keys(profiles).join(', ')}`,
    );
  }
  const named = (name: string) => layers.filter((layer) => layer.name === `${file} [${name}]`);
  return [
    ...named(DEFAULT_PROFILE),
    ...(chosen === DEFAULT_PROFILE ? [] : named(chosen)),
    layerOf(file, tableEntries(table, isSchemaName)),
  ];
};

const PREFIX = 'MAGNETAR_';
/** Variables that are no keys. */
const OTHER_VARIABLES = /^MAGNETAR_(PROFILE|CONFIG|TEST_.*)$/;

const keyOfVariable = (name: string): string =>
  name.slice(PREFIX.length).toLowerCase().replaceAll('__', '.');

const environmentLayer = (environment: Environment): Layer => {
  const values = new Map<string, { value: unknown; source: string }>();
  for (const [name, text] of Object.entries(environment)) {
    if (text === undefined || !name.startsWith(PREFIX) || OTHER_VARIABLES.test(name)) continue;
    const schema = KEYS.get(keyOfVariable(name));
    if (schema === undefined) return unknownKey(keyOfVariable(name), `variable ${name}`);
    const format: FormatName = schema.format;
    values.set(keyOfVariable(name), {
      value: FORMATS[format].fromText(text),
      source: `variable ${name}`,
    });
  }
  return { name: 'environment', values };
};

const FLAG_KEYS = {
  host: 'server.host',
  port: 'server.port',
  data: 'data',
  store: 'store.url',
} as const satisfies Record<keyof Flags, string>;

const flagLayer = (flags: Flags): Layer => {
  const values = new Map<string, { value: unknown; source: string }>();
  for (const flag of ['host', 'port', 'data', 'store'] as const) {
    const text = flags[flag];
    const schema = KEYS.get(FLAG_KEYS[flag]);
    if (text === undefined || schema === undefined) continue;
    values.set(FLAG_KEYS[flag], {
      value: FORMATS[schema.format].fromText(text),
      source: `flag --${flag}`,
    });
  }
  return { name: 'flags', values };
};

export interface LayerInput {
  readonly file?: string | undefined;
  readonly environment: Environment;
  readonly flags: Flags;
}

/** Lowest first; the defaults of the schema lie below all of them. */
export const readLayers = (input: LayerInput): readonly Layer[] => {
  const file = input.file ?? input.environment['MAGNETAR_CONFIG'];
  const profile = input.environment['MAGNETAR_PROFILE'];
  if (file === undefined && profile !== undefined) {
    refuse(`MAGNETAR_PROFILE is ${profile}, but no configuration file is given (--config FILE)`);
  }
  return [
    ...(file === undefined ? [] : fileLayers(file, profile)),
    environmentLayer(input.environment),
    flagLayer(input.flags),
  ];
};
