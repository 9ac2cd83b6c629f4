/** Translates what FTP servers and basic-ftp say. Their texts are not kept: they may repeat a path or a password. */
import { FTPError } from 'basic-ftp';
import type { MagnetarError } from '../../kernel/errors.ts';
import { connectionFailure, denied, failed, missing, unavailable } from '../connect/failures.ts';

type Use = 'read' | 'write';

interface Row {
  readonly codes: readonly number[];
  /** The text must say so too: several codes mean more than one thing. */
  readonly says?: RegExp;
  /** Absent = both. */
  readonly use?: Use;
  readonly become: (url: string) => MagnetarError;
}

const NOT_LOGGED_IN = [430, 530, 532];
const NOT_DONE = [450, 550, 553];
const CROWDED = /too many|maximum|limit|already (?:connected|logged)/i;
const FORBIDDEN = /denied|permission|permitted|privilege|forbidden|prohibited|read.?only/i;
const NOT_THERE = /no such|not found|not exist|cannot find|can't find/i;
const FULL = /quota|no space|disk (?:is )?full|insufficient|storage alloc/i;

/** The first row that fits. RFC 959 section 4.2, RFC 4217 section 10 and what servers make of them. */
const REPLIES: readonly Row[] = [
  { codes: [421], become: (url) => unavailable(url, 'its server takes no more connections now') },
  {
    codes: NOT_LOGGED_IN,
    says: CROWDED,
    become: (url) => unavailable(url, 'its server takes no more logins now'),
  },
  { codes: NOT_LOGGED_IN, become: (url) => denied(url, 'the login is not accepted') },
  { codes: [521, 522, 533, 534, 535, 536, 537], become: (url) => failed(url, 'its server asks for another kind of encryption') }, // prettier-ignore
  { codes: [425], become: (url) => unavailable(url, 'no connection for the data can be opened') },
  { codes: [426], become: (url) => unavailable(url, 'the connection was cut') },
  { codes: [450, 550], says: FORBIDDEN, use: 'read', become: (url) => denied(url, 'may not be read') }, // prettier-ignore
  { codes: NOT_DONE, says: FULL, use: 'write', become: (url) => failed(url, 'there is no room left for it') }, // prettier-ignore
  { codes: [450], says: NOT_THERE, use: 'read', become: missing },
  { codes: [450], become: (url) => unavailable(url, 'is in use') },
  { codes: [451], become: (url) => unavailable(url, 'its server met an error of its own') },
  { codes: [452], become: (url) => unavailable(url, 'there is no room for it now') },
  { codes: [550], use: 'read', become: missing },
  { codes: [550], become: (url) => denied(url, 'cannot be written') },
  { codes: [551], become: (url) => failed(url, 'its server does not know the kind of its pages') },
  { codes: [552], become: (url) => failed(url, 'there is no room left for it') },
  { codes: [553], become: (url) => denied(url, 'its server does not take the name') },
];

/** What basic-ftp says itself, without a reply. */
const OWN_WORDS: readonly {
  readonly says: RegExp;
  readonly become: (url: string) => MagnetarError;
}[] = [
  { says: /^Timeout/, become: (url) => unavailable(url, 'no answer in time') },
  {
    says: /^StringWriter: Maximum/,
    become: (url) => failed(url, 'its list is too long to be read'),
  },
  {
    says: /^Can't parse|exceeded maximum|requesting an answer/,
    become: (url) => failed(url, 'its server answers what FTP does not know'),
  },
  { says: /FIN packet|closed/, become: (url) => unavailable(url, 'the connection was cut') },
];

const replyFailure = (url: string, { code, message }: FTPError, use: Use): MagnetarError => {
  const row = REPLIES.find(
    ({ codes, says, use: only }) =>
      codes.includes(code) && (only ?? use) === use && says?.test(message) !== false,
  );
  if (row !== undefined) return row.become(url);
  const shown = `the server answers ${String(code)}`;
  return code >= 400 && code < 500 ? unavailable(url, shown) : failed(url, shown);
};

export const ftpFailure = (url: string, error: unknown, use: Use = 'read'): MagnetarError => {
  if (error instanceof FTPError) return replyFailure(url, error, use);
  const text = error instanceof Error ? error.message : '';
  const row = OWN_WORDS.find(({ says }) => says.test(text));
  return row === undefined ? connectionFailure(url, error) : row.become(url);
};
