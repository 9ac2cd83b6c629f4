/** The list of one folder of an FTP server. */
import { isMagnetarError } from '../../kernel/errors.ts';
import { failed } from '../connect/failures.ts';
import type { FtpConnection } from './connection.ts';
import { ftpFailure } from './failures.ts';
import { readListing, UnusableListing, type Listed } from './listing.ts';

/** @throws MagnetarError */
export const folderOf = async (
  { client, pathOf }: FtpConnection,
  url: string,
  names: readonly string[],
): Promise<readonly Listed[]> => {
  let text = '';
  // basic-ftp's own reading passes over lines that it does not understand
  client.parseList = (raw) => {
    text = raw;
    return [];
  };
  try {
    await client.send(`CWD ${pathOf(names)}`);
    await client.list();
    return readListing(text);
  } catch (error) {
    if (error instanceof UnusableListing) throw failed(url, error.message);
    throw isMagnetarError(error) ? error : ftpFailure(url, error);
  }
};
