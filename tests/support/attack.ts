/** What a web page may try on a server that its visitor reaches: to create, read and cancel tasks by every means that pages have. */
import type { Page } from './browser.ts';

export interface AttackPlan {
  /** Base path of TES. */
  readonly api: string;
  /** A task that others have created. */
  readonly victim: string;
  readonly task: object;
  /** Of each fetch, for pages that are welcome; others send what the browser keeps. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Runs in the page. Answers what the page learns by each means; ends when each has been answered or refused. */
const SCRIPT = `async ({ api, victim, task, headers }) => {
  const credentials = headers === undefined ? 'include' : 'omit';
  const said = async (url, options) => {
    try {
      const answer = await fetch(url, { credentials, headers, ...options });
      return answer.type === 'opaque' ? 'opaque' : answer.status + ' ' + await answer.text();
    } catch {
      return 'unread';
    }
  };
  const loaded = (name, src) => new Promise((resolve) => {
    const element = document.createElement(name);
    element.onload = () => resolve('shown');
    element.onerror = () => resolve('unread');
    element.src = src;
    document.body.append(element);
  });
  const framed = (begin) => new Promise((resolve) => {
    const frame = document.createElement('iframe');
    frame.name = 'frame' + document.querySelectorAll('iframe').length;
    document.body.append(frame);
    frame.onload = () => {
      try {
        resolve(frame.contentDocument.body.innerText);
      } catch {
        resolve('unread');
      }
    };
    begin(frame);
  });
  const posted = (action, text) => framed((frame) => {
    const form = document.createElement('form');
    Object.assign(form, { method: 'post', enctype: 'text/plain', action, target: frame.name });
    const [name, value] = text.split('=');
    form.append(Object.assign(document.createElement('input'), { name, value }));
    document.body.append(form);
    form.submit();
  });
  const body = JSON.stringify(task);
  const tasks = api + '/tasks';
  const cancel = tasks + '/' + victim + ':cancel';
  const json = { ...headers, 'content-type': 'application/json' };
  const post = { method: 'POST' };
  const blind = { mode: 'no-cors', headers: {} };
  return {
    'create by JSON': await said(tasks, { ...post, body, headers: json }),
    'create by text': await said(tasks, { ...post, body }),
    'create blindly': await said(tasks, { ...blind, method: 'POST', body }),
    'create by form': await posted(tasks, body.replace(/}$/, ',"tags":{"a":"=b"}}')),
    'read': await said(tasks),
    'read blindly': await said(tasks, blind),
    'read by script': await loaded('script', tasks),
    'read by image': await loaded('img', tasks + '/' + victim),
    'read by frame': await framed((frame) => { frame.src = tasks; }),
    'cancel blindly': await said(cancel, { ...blind, method: 'POST' }),
    'cancel by form': await posted(cancel, 'a=b'),
    'cancel': await said(cancel, post),
  };
}`;

export const attack = async (
  page: Page,
  plan: AttackPlan,
): Promise<Readonly<Record<string, string>>> =>
  (await page.evaluate(`(${SCRIPT})(${JSON.stringify(plan)})`)) as Record<string, string>;
