/** The bounds of a request, in one table; larger is refused with a message that names the bound. Those of a body (C21, T44) and of one `content` (T21, T22) are configured: `limits` in src/config/schema.ts. */

const KIB = 1024;
const MIB = 1024 * KIB;

export const LIMITS = {
  /** Nesting of a request body. */
  depth: 32,
  /** Bodies with more values are answered with their first problem instead of all. */
  thoroughValues: 20_000,
  /** Problems listed in one answer. */
  problems: 100,
  nameBytes: 16 * KIB,
  descriptionBytes: 256 * KIB,
  urlBytes: 16 * KIB,
  imageBytes: 512,
  /** Linux: a path with its final NUL fits 4096, one name 255. */
  pathBytes: 4095,
  segmentBytes: 255,
  /** Linux: one argument or `KEY=value` with its final NUL fits 128 KiB; together they must fit a process. */
  argumentBytes: 128 * KIB - 1,
  argumentsBytes: MIB,
  tagKeyBytes: KIB,
  tagValueBytes: 16 * KIB,
  zoneBytes: 256,
  backendParameterBytes: 4 * KIB,
} as const;

/** Most members of each list or map. */
export const COUNTS: Readonly<Record<string, number>> = {
  inputs: 10_000,
  outputs: 10_000,
  executors: 1000,
  volumes: 1000,
  tags: 256,
  'executors[].command': 65_536,
  'executors[].env': 4096,
  'resources.zones': 100,
  'resources.backend_parameters': 100,
};

/** Fewest members. */
export const LEAST: Readonly<Record<string, number>> = {
  executors: 1,
  'executors[].command': 1,
};

/** Lowest and highest value of each number. GB above the highest cannot be counted in bytes exactly. */
export const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  'resources.cpu_cores': [0, 65_536],
  'resources.ram_gb': [0, 1_000_000],
  'resources.disk_gb': [0, 1_000_000],
};
