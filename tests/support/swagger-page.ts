/** What people do at the page with Swagger UI. */
import type { Page } from './browser.ts';

const OPERATIONS = `[...document.querySelectorAll('.opblock-summary')].map((one) =>
  one.querySelector('.opblock-summary-method').textContent + ' ' +
  one.querySelector('[data-path]').dataset.path)`;

const OPERATIONS_OF_BOTH = 9;

/** Opens the page, and answers the operations that it shows once both documents are there. */
export const openDocs = async (page: Page, url: string): Promise<readonly string[]> => {
  await page.goto(url);
  await page.until(
    `${OPERATIONS}.length >= ${String(OPERATIONS_OF_BOTH)}`,
    'the operations of both documents',
  );
  const shown = (await page.evaluate(OPERATIONS)) as string[];
  return shown.map((one) => one.replaceAll('\u200b', ''));
};

export const click = (page: Page, expression: string) => page.evaluate(`${expression}.click()`);

export interface Shown {
  readonly status: string;
  readonly body: string;
}

const blockOf = (method: string, path: string): string =>
  `document.querySelector('#tes .opblock-${method} [data-path="${path}"]').closest('.opblock')`;

/** Opens an operation, tries it out, and answers what the page shows of the answer. */
const execute = async (
  page: Page,
  block: string,
  fill: () => Promise<void> = () => Promise.resolve(),
): Promise<Shown> => {
  if ((await page.evaluate(`${block}.querySelector('.try-out__btn') === null`)) === true) {
    await click(page, `${block}.querySelector('.opblock-summary-control')`);
    await page.until(`${block}.querySelector('.try-out__btn') !== null`, 'the operation to open');
    await click(page, `${block}.querySelector('.try-out__btn')`);
  }
  const button = `${block}.querySelector('button.execute')`;
  await page.until(`${button} !== null`, 'the button');
  await fill();
  const clear = `${block}.querySelector('.btn-clear')`;
  if ((await page.evaluate(`${clear} !== null`)) === true) await click(page, clear);
  const answer = `${block}.querySelector('.live-responses-table .response')`;
  await page.until(`${answer} === null`, 'the last answer to go');
  await click(page, button);
  await page.until(`${answer} !== null`, 'the answer');
  const textOf = async (part: string) =>
    String(await page.evaluate(`${answer}.querySelector('${part}').innerText`)).trim();
  return { status: await textOf('.response-col_status'), body: await textOf('.highlight-code') };
};

export const createThrough = async (page: Page, task: object): Promise<Shown> => {
  const block = blockOf('post', '/tasks');
  return execute(page, block, async () => {
    await page.evaluate(`${block}.querySelector('textarea').focus()`);
    await page.type(JSON.stringify(task));
  });
};

export const listThrough = (page: Page): Promise<Shown> => execute(page, blockOf('get', '/tasks'));

export const idIn = ({ body }: Shown): string => /"id":\s*"([0-9a-z]{26})"/.exec(body)?.[1] ?? '';

const DIALOG = `document.querySelector('.modal-ux')`;

const partOf = (scheme: string): string =>
  `[...${DIALOG}.querySelectorAll('.auth-container')].find((one) => one.querySelector('h4').textContent.startsWith('${scheme}'))`;

const CLOSE = `${DIALOG}.querySelector('.close-modal')`;

/** Names of what the dialog behind the button offers; the dialog stays open. */
export const openDialog = async (page: Page): Promise<readonly string[]> => {
  await click(page, `document.querySelector('#tes .auth-wrapper .authorize')`);
  await page.until(`${DIALOG} !== null`, 'the dialog');
  const heads = `[...${DIALOG}.querySelectorAll('h4')].map((one) => one.textContent.split(/\\s/)[0])`;
  return (await page.evaluate(heads)) as string[];
};

/** Fills the fields of one way, which the dialog must offer, in their order. */
export const fillIn = async (
  page: Page,
  scheme: string,
  texts: readonly string[],
): Promise<void> => {
  for (const [index, text] of texts.entries()) {
    await page.evaluate(`${partOf(scheme)}.querySelectorAll('input')[${String(index)}].focus()`);
    await page.type(text);
  }
};

export const pressAuthorize = (page: Page, scheme: string) =>
  click(page, `${partOf(scheme)}.querySelector('.authorize')`);

/** Waits until the way counts as given, and closes the dialog. */
export const closeAuthorized = async (page: Page, scheme: string): Promise<void> => {
  const logout = `[...${partOf(scheme)}.querySelectorAll('button')].some((one) => one.textContent === 'Logout')`;
  await page.until(logout, 'the way to count');
  await click(page, CLOSE);
};

export const authorize = async (
  page: Page,
  scheme: string,
  texts: readonly string[],
): Promise<void> => {
  await openDialog(page);
  await fillIn(page, scheme, texts);
  await pressAuthorize(page, scheme);
  await closeAuthorized(page, scheme);
};
