// SPDX-License-Identifier: MIT
// Tests of the page: each has a browser context and a mock server of its own. Every test also checks that the page
// asked nobody but its own server, broke no rule of its security policy, and threw nothing.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { join } from 'node:path';
import { ChatPage, newContext, openBrowser, web } from './browser.mjs';
import { MockServer } from './mock_server.mjs';

export const headersFile = join(web, 'headers.txt');
export const pageFiles = process.env.FATHOM_WEB_FILES;

/** Notes what a page may not do; `check` fails if it did. */
export class Watch {
  constructor(context, origin, expected) {
    this.problems = [];
    context.on('request', (request) => {
      const url = new URL(request.url());
      if (url.origin !== origin && url.protocol !== 'blob:') this.problems.push(`request to ${request.url()}`);
    });
    context.on('page', (page) => page.on('pageerror', (error) => this.problems.push(`exception: ${error.stack ?? error}`)));
    context.on('console', (message) => {
      // A refused request is reported by the browser itself; tests of errors provoke it.
      const known = message.text().startsWith('Failed to load resource') || expected?.test(message.text());
      if (message.type() === 'error' && !known) this.problems.push(message.text());
    });
  }

  check() {
    assert.deepEqual(this.problems, []);
  }
}

const tests = [];

/**
 * A test of the page: pageTest('name', {context, server, expected}, async ({chat, page, mock, context, url, browser}) => ...).
 * `expected`: messages on the console that the test provokes.
 */
export function pageTest(name, { context: contextOptions = {}, server = {}, expected }, body) {
  const run = async (browser) => {
    const mock = new MockServer({ files: pageFiles, headersFile, ...server });
    const url = await mock.listen();
    const context = await newContext(browser, contextOptions);
    const watch = new Watch(context, url, expected);
    try {
      const chat = await ChatPage.open(context, url);
      await body({ chat, mock, context, url, browser, page: chat.page });
      watch.check();
    } finally {
      await context.close();
      await mock.close().catch(() => undefined);
    }
  };
  tests.push({ name, run });
}

/** Runs all that pageTest was given, two at a time in one browser: most of their time is waiting. */
export function runPageTests() {
  describe('the chat page', { concurrency: 2 }, () => {
    let browser;
    before(async () => { browser = await openBrowser(); });
    after(() => browser.close());
    for (const { name, run } of tests) it(name, { timeout: 60_000 }, () => run(browser));
  });
}
