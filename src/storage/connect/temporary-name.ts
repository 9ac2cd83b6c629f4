/** What a file is called in its folder until all of it is there. */
import { randomBytes } from 'node:crypto';

export const temporaryName = (): string => `.magnetar-${randomBytes(12).toString('hex')}.part`;
