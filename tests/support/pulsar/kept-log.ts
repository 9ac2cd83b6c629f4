/** A logger that keeps what was said. */
import type { LogFields, Logger } from '../../../src/kernel/logger.ts';

export interface KeptLine extends LogFields {
  readonly message: string;
}

export const createKeptLog = (): { readonly logger: Logger; readonly lines: KeptLine[] } => {
  const lines: KeptLine[] = [];
  const say = (message: string, fields: LogFields = {}): void =>
    void lines.push({ ...fields, message });
  const logger: Logger = { debug: say, info: say, warn: say, error: say, child: () => logger };
  return { logger, lines };
};
