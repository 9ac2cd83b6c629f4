/** `magnetar config`: every key, its value with secrets hidden, and where the value came from. */
import { renderConfig } from '../config/render.ts';
import type { LoadedConfig } from '../config/types.ts';
import { table, toJson, type Output } from './output.ts';

export const showConfig = (loaded: LoadedConfig, output: Output, asJson: boolean): void => {
  const values = renderConfig(loaded);
  if (asJson) {
    output.line(toJson(values));
    return;
  }
  const rows = values
    .filter(({ key }) => key !== 'destinations')
    .map(({ key, value, source }) => [key, JSON.stringify(value), source]);
  for (const row of table([['KEY', 'VALUE', 'SOURCE'], ...rows])) output.line(row);
  const destinations = values.find(({ key }) => key === 'destinations');
  output.line(`\ndestinations (${destinations?.source ?? 'default'})`);
  output.line(toJson(destinations?.value));
};
