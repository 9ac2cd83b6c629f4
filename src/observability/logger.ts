/** Logs through winston behind four methods: constant messages with fields, JSON or readable on a terminal, to stderr. */
import { createLogger as createWinston, format, transports, type Logger as Winston } from 'winston';
import type { LogConfig, LogLevel } from '../config/types.ts';
import { isMagnetarError } from '../kernel/errors.ts';
import type { LogFields, Logger } from '../kernel/logger.ts';
import { visible } from '../kernel/visible-text.ts';

/** What of an error may be logged: never its other properties, for HTTP clients hang requests with tokens on theirs. */
interface ErrorFields {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
  readonly cause?: ErrorFields;
}

const MAX_CAUSES = 4;

const textProperty = (error: Error, name: string): string | undefined => {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
};

/** An error as fields: name, code, message and the same of its causes; URLs in the text lose their user information and query. */
const errorFields = (error: unknown, depth = 0): ErrorFields => {
  if (!(error instanceof Error)) return { name: 'Thrown', message: cleanText(String(error)) };
  const code = isMagnetarError(error) ? error.code : textProperty(error, 'code');
  return {
    name: error.name,
    ...(code === undefined ? {} : { code }),
    message: cleanText(error.message),
    ...(error.cause === undefined || depth >= MAX_CAUSES
      ? {}
      : { cause: errorFields(error.cause, depth + 1) }),
  };
};

/** Fields that never appear, whoever logs them. */
const SECRET_NAME =
  /^(authorization|cookie|content|env|key|secret|private_token|.*(password|token))$/i;

const HIDDEN = '***';

const cleanText = (text: string): string =>
  text
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi, '$1')
    .replace(/(:\/\/[^\s?#]+)[?#]\S*/g, '$1');

const MAX_DEPTH = 6;

/** Names that winston uses itself. */
const TAKEN_NAME = /^(message|level|timestamp)$/;

const cleanValue = (value: unknown, depth: number): unknown => {
  if (value instanceof Error) return errorFields(value);
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '…';
  if (Array.isArray(value)) return value.map((item) => cleanValue(item, depth + 1));
  return cleanFields(value, depth + 1);
};

const cleanFields = (fields: object, depth = 0): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]: [string, unknown]) => [
      name,
      SECRET_NAME.test(name) ? HIDDEN : cleanValue(value, depth),
    ]),
  );

const cleanTop = (fields: LogFields): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(cleanFields(fields)).map(([name, value]) => [
      TAKEN_NAME.test(name) ? `${name}_` : name,
      value,
    ]),
  );

const wrap = (sink: Winston): Logger => {
  const write = (level: LogLevel, message: string, fields: LogFields): void => {
    if (sink.isLevelEnabled(level)) sink.log(level, message, cleanTop(fields)); // winston would format it first
  };
  return {
    debug: (message, fields = {}) => {
      write('debug', message, fields);
    },
    info: (message, fields = {}) => {
      write('info', message, fields);
    },
    warn: (message, fields = {}) => {
      write('warn', message, fields);
    },
    error: (message, fields = {}) => {
      write('error', message, fields);
    },
    child: (fields) => wrap(sink.child(cleanTop(fields))),
  };
};

const PLAIN = /^[^\s"=\p{C}]+$/u;

const shown = (value: unknown): string => {
  if (value === undefined) return 'undefined';
  const isPlain = typeof value === 'string' && PLAIN.test(value);
  return isPlain ? value : visible(JSON.stringify(value)); // JSON escapes but the oldest controls
};

/** `12:03:04 info  task created taskId=01… ms=3` */
const textFormat = format.printf(({ timestamp, level, message, ...fields }) => {
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`);
  const time = String(timestamp).slice(11, 19);
  return [`${time} ${level.padEnd(5)} ${String(message)}`, ...rest].join(' ');
});

const isoTime = format((info) => ({ ...info, timestamp: new Date().toISOString() }));

export interface LoggerOptions {
  readonly config: LogConfig;
  /** Usually stderr. */
  readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

export const createLogger = ({ config, stream }: LoggerOptions): Logger => {
  const asText = config.format === 'text' || (config.format === 'auto' && stream.isTTY === true);
  const { combine, json } = format;
  return wrap(
    createWinston({
      levels: { error: 0, warn: 1, info: 2, debug: 3 },
      level: config.level,
      format: combine(isoTime(), asText ? textFormat : json()),
      // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston types its transports as interfaces
      transports: [new transports.Stream({ stream })],
    }),
  );
};
