/** Storing over HTTP: PUT of the bytes under the URL, or a form sent to where the host takes them. */
import type { Readable } from 'node:stream';
import { optional } from '../../kernel/optional.ts';
import type { WriteOptions } from '../../tasks/ports/object-storage.ts';
import { outgoingBody } from '../connect/bodies.ts';
import { decoded } from '../connect/decoded.ts';
import { createForm, type Form } from './form.ts';
import type { Target } from './hosts.ts';
import type { Reader } from './read.ts';
import { succeeded } from './status.ts';

const lastSegment = ({ pathname }: URL): string =>
  decoded(pathname.slice(pathname.lastIndexOf('/') + 1));

interface Request {
  readonly target: Target;
  readonly form?: Form;
}

const requestOf = ({ targetOf }: Reader, url: string, { form }: WriteOptions): Request => {
  const target = targetOf(url);
  if (target.upload === 'put') return { target };
  return form === undefined
    ? { target, form: createForm('file', lastSegment(target.url)) }
    : { target: targetOf(form.url), form: createForm('file', form.name) };
};

/** Answers the bytes stored. */
export const writeFile = async (
  reader: Reader,
  url: string,
  source: Readable,
  options: WriteOptions,
): Promise<number> => {
  const { size, signal } = options;
  const { target, form } = requestOf(reader, url, options);
  const { body, count } = outgoingBody(source, {
    ...{ url, stallMs: reader.stallMs, signal },
    ...optional('size', size),
    ...optional('around', form?.frame),
  });
  const length = size === undefined ? undefined : String(size + (form?.overhead ?? 0));
  try {
    const answer = await reader.exchange.ask(target, {
      method: form === undefined ? 'PUT' : 'POST',
      body,
      headers: { ...optional('content-length', length), ...optional('content-type', form?.type) },
      signal,
    });
    succeeded(target.url.href, answer).body.destroy();
  } finally {
    body.destroy();
  }
  return count();
};
