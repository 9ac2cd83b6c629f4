import { describe, expect, it } from 'vitest';
import { readListQuery } from '../../../src/api/list-query.ts';

const read = (query: string) => readListQuery(new URLSearchParams(query));

describe('readListQuery', () => {
  it('has the defaults of the contract', () => {
    expect(read('')).toEqual({ filter: { tags: [] }, view: 'MINIMAL', size: 256 });
  });

  it('reads everything', () => {
    const query =
      'name_prefix=a&state=RUNNING&tag_key=k&tag_value=v&page_size=7&page_token=t&view=full';
    expect(read(query)).toEqual({
      filter: { name_prefix: 'a', state: 'RUNNING', tags: [{ key: 'k', value: 'v' }] },
      view: 'FULL',
      size: 7,
      token: 't',
    });
  });

  it.each(['page_size=0', 'page_size=2048', 'page_size=x', 'view=x', 'state=x', 'tag_value=x'])(
    'refuses %s and names the parameter',
    (query) => {
      const field = query.split('=')[0];
      expect(() => read(query)).toThrow(
        expect.objectContaining({ details: [expect.objectContaining({ field })] }),
      );
    },
  );
});
