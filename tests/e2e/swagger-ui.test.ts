/** The page in a real browser: it shows both documents and runs a task, also behind a proxy that strips a prefix. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser, type Browser } from '../support/browser.ts';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import { startStrippingProxy, type StrippingProxy } from '../support/stripping-proxy.ts';
import { createThrough, idIn, openDocs } from '../support/swagger-page.ts';

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

describe('Swagger UI in a browser', () => {
  it.each([
    ['at the root', () => `${server.url}/`],
    ['behind a proxy that strips a prefix', () => `${proxy.url}/`],
  ])(
    '%s: shows both documents without an error, and a task created there completes',
    async (_, url) => {
      const page = await browser.open();
      expect(await openDocs(page, url())).toEqual(
        expect.arrayContaining([
          'POST /tasks',
          'GET /tasks/{id}',
          'POST /tasks/{id}:cancel',
          'GET /service-info',
          'GET /ext/v1/tasks/{id}/logs/{attempt}/{executor}/{stream}',
          'GET /readyz',
        ]),
      );
      expect(await page.evaluate(`document.querySelector('.authorize')`)).toBeNull();
      const created = await createThrough(page, TASK);
      expect(created.status).toMatch(/^200/);
      const task = await server.tes.ended(idIn(created));
      expect([task.name, task.state]).toEqual([TASK.name, 'COMPLETE']);
      expect(task.logs?.[0]?.logs[0]?.stdout).toBe('seen\n');
      expect(page.problems).toEqual([]);
    },
  );
});
