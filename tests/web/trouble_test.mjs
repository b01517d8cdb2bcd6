// SPDX-License-Identifier: MIT
// What the page says and does when something goes wrong, and how it opens while the server is away.
import assert from 'node:assert/strict';
import { pageTest } from './page_harness.mjs';

const withWorker = { context: { serviceWorkers: 'allow' } };

pageTest('a busy server: the wait it asks for, then one more try that leaves no trace of the first', {}, async ({ chat, mock, page }) => {
  await chat.send('busy');
  const card = page.getByRole('alert');
  assert.match(await card.innerText(), /The server is busy\s+The queue of 256 requests is full\./);
  assert.equal(await card.getByRole('button', { name: /^Try again in \d s$/ }).isDisabled(), true);
  await chat.button('Try again').click();
  await chat.ended();
  assert.equal(mock.requests.length, 2);
  assert.equal(await chat.replies.last().getByRole('group', { name: /^Version/ }).count(), 0);
});

pageTest('a full context says so and offers a new conversation', {}, async ({ chat, page }) => {
  await chat.send('long');
  assert.match(await chat.replies.last().innerText(), /The context is full[\s\S]*100.% of context/);
  await chat.send('full');
  assert.match(await page.getByRole('alert').innerText(), /maximum context length is 4096 tokens, the request has 5210/);
  await page.getByRole('alert').getByRole('button', { name: 'New conversation' }).click();
  await page.getByRole('heading', { name: 'What would you like to know?' }).waitFor();
});

for (const [message, title] of [
  ['loading', 'The server takes no requests right now'], ['bad', 'The server refused the request'], ['drop', 'The server cannot be reached'],
  ['break', 'The reply broke off'], ['fail', 'The reply broke off'],
]) {
  pageTest(`a request that ends in '${message}' is explained`, {}, async ({ chat, page }) => {
    await chat.send(message);
    await page.getByRole('alert').getByText(title).waitFor();
    if (message === 'break' || message === 'fail') assert.match(await chat.replies.last().innerText(), /^Half of an/);
    await chat.send('Hello');
    assert.match(await chat.replies.last().innerText(), /You said: Hello/);
  });
}

pageTest('a key is asked for, and kept only when asked to', { server: { key: 'right key' } }, async ({ chat, mock, page }) => {
  await page.getByText('The server wants an API key.').waitFor();
  const enter = async (key, keep) => {
    await chat.button('Enter key').first().click();
    await page.getByLabel('Key for this server').fill(key);
    if (keep) await page.getByLabel('Keep it in this browser').check();
    await chat.button('Use key').click();
  };
  await enter('wrong key', false);
  await page.getByText('The server does not accept this key.').waitFor();
  await enter('right key', false);
  await page.getByText('tiny-chat').waitFor();
  await chat.send('Hello');
  assert.match(await chat.replies.last().innerText(), /You said: Hello/);
  assert.equal(await page.evaluate(() => JSON.stringify({ ...localStorage })).then((text) => text.includes('right key')), false);
  await page.reload();
  await page.getByText('The server wants an API key.').waitFor();
  await enter('right key', true);
  await page.getByText('tiny-chat').waitFor();
  await page.reload();
  await page.getByText('tiny-chat').waitFor();
  mock.key = 'another';
  await chat.send('Hello again');
  await page.getByRole('alert').getByText('The server wants an API key').waitFor();
});

pageTest('without the server the page still opens, reads, and connects again by itself', withWorker, async ({ chat, mock, page }) => {
  await chat.send('Remember me');
  await page.evaluate(() => navigator.serviceWorker.ready);
  await mock.close();
  await page.reload();
  await chat.replies.getByText('You said: Remember me').waitFor();
  await page.getByText('The server cannot be reached.').waitFor();
  assert.match(await page.locator('.banner').innerText(), /fathom serve/);
  await mock.listen(mock.port);
  await page.getByText('tiny-chat').waitFor();
  assert.equal(await page.locator('.banner').isVisible(), false);
  await chat.send('Back again');
  assert.match(await chat.replies.last().innerText(), /You said: Back again/);
});

pageTest('the worker keeps the page only, never the API', withWorker, async ({ chat, page }) => {
  await chat.send('Hello');
  await page.evaluate(() => navigator.serviceWorker.ready);
  const kept = await page.evaluate(async () => {
    const names = await caches.keys();
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return requests.flat().map((request) => new URL(request.url).pathname);
  });
  assert.ok(kept.includes('/') && kept.includes('/page.js') && kept.includes('/fonts/KaTeX_Main-Regular.woff2'), String(kept));
  assert.equal(kept.some((path) => path.startsWith('/v1')), false);
});

pageTest('waiting in the queue is shown with its time', {}, async ({ chat, page }) => {
  await chat.type('queue');
  await page.getByText(/^waiting for \d\.\d s$/).waitFor();
  await chat.ended();
  assert.match(await chat.replies.last().innerText(), /It was your turn/);
});
