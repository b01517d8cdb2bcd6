// SPDX-License-Identifier: MIT
// The page as the program itself serves it, with the built-in model behind it: FATHOM names the program.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChatPage, newContext, openBrowser } from './browser.mjs';
import { pageFiles, Watch, headersFile } from './page_harness.mjs';
import { readHeaders } from './mock_server.mjs';

class Program {
  /** Starts `fathom serve` on a free port, or on the one given; resolves when it listens. */
  async start(port = 0) {
    this.process = spawn(process.env.FATHOM, ['serve', 'builtin:tiny-chat', '--port', String(port), '--threads', '1'],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, FATHOM_LOG: 'warn' } });
    this.url = await new Promise((resolve, reject) => {
      let text = '';
      this.process.stdout.on('data', (piece) => {
        text += piece;
        const found = /http:\/\/[\w.]+:\d+/.exec(text);
        if (found) resolve(found[0]);
      });
      this.process.on('exit', (code) => reject(new Error(`fathom serve ended with ${code}`)));
    });
    for (let tries = 0; tries < 100; ++tries) {
      if ((await fetch(`${this.url}/ready`)).ok) return this.url;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('fathom serve is not ready after 5 s');
  }

  async stop() {
    if (this.process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.process.on('exit', resolve));
    this.process.kill('SIGTERM');
    await ended;
  }
}

const program = new Program();
let browser;
before(async () => {
  browser = await openBrowser();
  await program.start();
});
after(async () => {
  await browser.close();
  await program.stop();
});

/** As pageTest of the mock server, on the program. */
function serverTest(name, body) {
  test(name, { timeout: 60_000 }, async () => {
    const context = await newContext(browser, { serviceWorkers: 'allow' });
    const watch = new Watch(context, program.url);
    try {
      const chat = await ChatPage.open(context, program.url);
      await body({ chat, page: chat.page, context });
      watch.check();
    } finally {
      await context.close();
    }
  });
}

test('every file comes with its type, digest and policy, and is not sent twice', async () => {
  const paths = readdirSync(pageFiles, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.path.slice(pageFiles.length), entry.name));
  assert.ok(paths.length > 5);
  for (const path of paths) {
    const url = `${program.url}/${path === 'index.html' ? '' : path.replace(/^\//, '')}`;
    const response = await fetch(url);
    assert.equal(response.status, 200, url);
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), readFileSync(join(pageFiles, path)), url);
    for (const [header, value] of Object.entries(readHeaders(headersFile))) assert.equal(response.headers.get(header), value, url);
    const tag = response.headers.get('etag');
    assert.match(tag, /^"[0-9a-f]{32}"$/);
    const again = await fetch(url, { headers: { 'If-None-Match': `"other", ${tag}` } });
    assert.equal(again.status, 304, url);
    assert.equal(again.headers.get('etag'), tag);
    assert.equal(await again.text(), '');
  }
  assert.equal((await fetch(`${program.url}/index.html`)).status, 404);
  assert.equal((await fetch(`${program.url}/`, { method: 'POST', body: '{}' })).status, 405);
});

serverTest('the built-in model answers, with figures', async ({ chat }) => {
  await chat.effort('None');
  await chat.send('What is the capital of France?');
  const reply = chat.replies.last();
  assert.match(await reply.innerText(), /Paris/);
  assert.match(await reply.locator('.figures').innerText(), /^[\d.,]+ tokens\/s\s+\d+ tokens\s+\d+.% cached\s+\d+.% of context$/);
  await chat.send('And of Spain?');
  await chat.replies.nth(1).getByRole('button', { name: 'Copy reply' }).waitFor();
});

serverTest('thinking arrives apart from the reply', async ({ chat }) => {
  await chat.effort('High');
  await chat.send('What is 17 + 25?');
  const reply = chat.replies.last();
  await reply.getByText(/^Thought for/).click();
  await reply.locator('.thinking-text').getByText(/\w/).first().waitFor();
  assert.match(await reply.innerText(), /42/);
});

serverTest('a stopped reply is kept, regenerated and walked', async ({ chat, page }) => {
  await chat.effort('None');
  await chat.type('Tell me a short story about a boat.');
  await page.keyboard.press('Escape');
  await chat.ended();
  await chat.button('Regenerate reply').click();
  await chat.ended();
  await chat.button('Previous version').click();
  await page.getByRole('group', { name: 'Version 1 of 2' }).waitFor();
  await page.reload();
  await page.getByRole('group', { name: 'Version 1 of 2' }).waitFor();
});

serverTest('options out of range are told by the server in its own words', async ({ chat, page }) => {
  await page.evaluate(() => localStorage.setItem('fathom.options', JSON.stringify({ effort: 'none', sampling: { temperature: 7 } })));
  await page.reload();
  await chat.send('Hello');
  await page.getByRole('alert').getByText('The server refused the request').waitFor();
  assert.match(await page.getByRole('alert').innerText(), /temperature/);
});

serverTest('the page outlives the server and finds it again', async ({ chat, page }) => {
  await chat.effort('None');
  await chat.send('Hello!');
  await page.evaluate(() => navigator.serviceWorker.ready);
  const { port } = new URL(program.url);
  await program.stop();
  await page.reload();
  await page.getByText('The server cannot be reached.').waitFor();
  assert.equal(await chat.replies.count(), 1);
  await program.start(port);
  await page.locator('.banner').waitFor({ state: 'hidden' });
  await chat.send('Are you back?');
  await chat.replies.nth(1).getByRole('button', { name: 'Copy reply' }).waitFor();
});
