/** The page in a real browser: it shows both documents and runs a task, also behind a proxy that strips a prefix. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser, type Browser, type Page } from '../support/browser.ts';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import { startStrippingProxy, type StrippingProxy } from '../support/stripping-proxy.ts';

let site: Site;
let server: Server;
let proxy: StrippingProxy;
let browser: Browser;

beforeAll(async () => {
  proxy = await startStrippingProxy({ target: () => server.url, prefix: '/our/tes' });
  site = await createSite({ config: `[server]\npublic_url = "${proxy.url}"` });
  server = await startServer(site);
  browser = await startBrowser();
});

afterAll(async () => {
  await browser.close();
  await server.stop();
  await proxy.close();
  await site.remove();
});

const TASK = { name: 'from the page', executors: [{ image: 'any', command: ['echo', 'seen'] }] };

const OPERATIONS = `[...document.querySelectorAll('.opblock-summary')].map((one) =>
  one.querySelector('.opblock-summary-method').textContent + ' ' +
  one.querySelector('[data-path]').dataset.path)`;

const CREATE = `document.querySelector('#tes .opblock-post [data-path="/tasks"]').closest('.opblock')`;

const click = (page: Page, expression: string) => page.evaluate(`${expression}.click()`);

/** Creates a task as somebody at the page would; answers what the page shows of the answer. */
const createThrough = async (page: Page): Promise<{ status: string; body: string }> => {
  await click(page, `${CREATE}.querySelector('.opblock-summary-control')`);
  await page.until(`${CREATE}.querySelector('.try-out__btn') !== null`, 'the operation to open');
  await click(page, `${CREATE}.querySelector('.try-out__btn')`);
  await page.until(`${CREATE}.querySelector('textarea') !== null`, 'the field of the body');
  await page.evaluate(`${CREATE}.querySelector('textarea').focus()`);
  await page.type(JSON.stringify(TASK));
  await click(page, `${CREATE}.querySelector('button.execute')`);
  const answer = `${CREATE}.querySelector('.live-responses-table .response')`;
  await page.until(`${answer} !== null`, 'the answer');
  return {
    status: String(
      await page.evaluate(`${answer}.querySelector('.response-col_status').innerText`),
    ).trim(),
    body: String(await page.evaluate(`${answer}.querySelector('.highlight-code').innerText`)),
  };
};

describe('Swagger UI in a browser', () => {
  it.each([
    ['at the root', () => `${server.url}/`],
    ['behind a proxy that strips a prefix', () => `${proxy.url}/`],
  ])(
    '%s: shows both documents without an error, and a task created there completes',
    async (_, url) => {
      const page = await browser.open();
      await page.goto(url());
      await page.until(`${OPERATIONS}.length >= 9`, 'the operations of both documents');
      const operations = (await page.evaluate(OPERATIONS)) as string[];
      expect(operations.map((one) => one.replaceAll('\u200b', ''))).toEqual(
        expect.arrayContaining([
          'POST /tasks',
          'GET /tasks/{id}',
          'POST /tasks/{id}:cancel',
          'GET /service-info',
          'GET /ext/v1/tasks/{id}/logs/{attempt}/{executor}/{stream}',
          'GET /readyz',
        ]),
      );
      const { status, body } = await createThrough(page);
      expect(status).toMatch(/^200/);
      const id = /"id":\s*"([0-9a-z]{26})"/.exec(body)?.[1] ?? '';
      const task = await server.tes.ended(id);
      expect([task.name, task.state]).toEqual([TASK.name, 'COMPLETE']);
      expect(task.logs?.[0]?.logs[0]?.stdout).toBe('seen\n');
      expect(page.problems).toEqual([]);
    },
  );
});
