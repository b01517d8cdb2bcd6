// SPDX-License-Identifier: MIT
// A person's ways through the page: send, stream, stop, reload, branch, think, tools, files, search, keys.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { pageTest } from './page_harness.mjs';

pageTest('text is shown before the reply has ended', {}, async ({ chat, mock }) => {
  await chat.type('hold');
  await chat.replies.last().getByText('The first half').waitFor();
  assert.equal(await chat.replies.last().getAttribute('aria-busy'), 'true');
  mock.release();
  await chat.ended();
  assert.match(await chat.replies.last().innerText(), /The first half and the second\./);
});

pageTest('a reply has formulas, code, a table and its figures', {}, async ({ chat, mock }) => {
  await chat.send('Explain the tides with a formula and code.');
  const reply = chat.replies.last();
  assert.equal(await reply.locator('.katex-display').count(), 1);
  assert.equal(await reply.locator('.code-block .hljs-keyword').count() >= 2, true);
  assert.equal(await reply.getByRole('table').getByRole('row').count(), 3);
  assert.match(await reply.locator('.figures').innerText(), /^41\.7 tokens\/s\s+\d+ tokens\s+\d+.% cached\s+\d+.% of context$/);
  assert.equal(await reply.getByRole('meter', { name: 'Context' }).count(), 1);
  const [body] = mock.requests;
  assert.deepEqual(body.messages, [{ role: 'user', content: 'Explain the tides with a formula and code.' }]);
  assert.equal(body.reasoning_effort, 'high');
  assert.deepEqual(body.stream_options, { include_usage: true });
});

pageTest('formulas are set with the fonts of the page', {}, async ({ chat, page }) => {
  await chat.send('say $\\sum_{i=1}^n \\sqrt{x_i}$');
  await page.evaluate(() => document.fonts.ready);
  const loaded = await page.evaluate(() => [...document.fonts].filter((font) => font.status === 'loaded').map((font) => font.family));
  assert.ok(loaded.includes('KaTeX_Main') && loaded.includes('KaTeX_Math'), String(loaded));
});

pageTest('stop ends the reply here and on the server, and keeps what came', {}, async ({ chat, mock, page }) => {
  await chat.type('count');
  await chat.replies.last().getByText('number 3,').waitFor();
  await chat.button('Stop the reply').click();
  await chat.ended();
  const text = await chat.replies.last().innerText();
  assert.match(text, /number 1, number 2, number 3/);
  assert.doesNotMatch(text, /number 2000/);
  assert.match(text, /Stopped/);
  await page.waitForTimeout(50);
  assert.equal(mock.cancelled, 1);
  await chat.type('count');
  await chat.replies.last().getByText('number 3,').waitFor();
  await page.keyboard.press('Escape');
  await chat.ended();
  await page.waitForTimeout(50);
  assert.equal(mock.cancelled, 2);
});

pageTest('a stopped reply can be continued', {}, async ({ chat, mock, page }) => {
  await chat.type('count');
  await chat.replies.last().getByText('number 3,').waitFor();
  await page.keyboard.press('Escape');
  await chat.ended();
  await chat.button('Continue').click();
  await chat.replies.last().getByText('and this is the rest.').waitFor();
  await chat.ended();
  const last = mock.requests.at(-1).messages.at(-1);
  assert.equal(last.prefix, true);
  assert.match(last.content, /^number 1, number 2/);
  assert.equal(await chat.replies.count(), 1);
  assert.doesNotMatch(await chat.replies.last().innerText(), /Stopped|Continue/);
});

pageTest('a reload keeps conversations, also the half reply it interrupts', {}, async ({ chat, page }) => {
  await chat.send('Hello there');
  await chat.type('count');
  await chat.replies.last().getByText('number 60,').waitFor();
  await page.reload();
  await chat.replies.nth(1).getByText('number 3,').waitFor();
  assert.match(await chat.replies.nth(1).innerText(), /Stopped/);
  assert.match(await chat.replies.nth(0).innerText(), /You said: Hello there/);
  assert.equal(await chat.conversations.count(), 1);
  await chat.send('And on');
  assert.match(await chat.replies.nth(2).innerText(), /You said: And on/);
});

pageTest('editing and regenerating make branches that can be walked and outlive a reload', {}, async ({ chat, mock, page }) => {
  await chat.send('First question');
  await chat.send('Second question');
  await chat.replies.first().getByRole('button', { name: 'Regenerate reply' }).click();
  await chat.ended();
  assert.equal(await chat.replies.count(), 1, 'what followed belongs to the other branch');
  assert.equal(mock.requests.at(-1).messages.length, 1);
  await chat.replies.first().getByRole('button', { name: 'Previous version' }).click();
  assert.equal(await chat.replies.count(), 2);
  await chat.ownMessages.last().hover();
  await chat.ownMessages.last().getByRole('button', { name: 'Edit message' }).click();
  const editor = page.getByRole('textbox', { name: 'Edit your message' });
  assert.equal(await editor.inputValue(), 'Second question');
  await editor.fill('Better question');
  await editor.press('Enter');
  await chat.replies.last().getByText('You said: Better question').waitFor();
  await chat.ended();
  assert.deepEqual(mock.requests.at(-1).messages.map((message) => message.content),
    ['First question', 'You said: First question', 'Better question']);
  await chat.ownMessages.last().getByRole('button', { name: 'Previous version' }).click();
  await chat.replies.last().getByText('You said: Second question').waitFor();
  await page.reload();
  await chat.replies.last().getByText('You said: Second question').waitFor();
  assert.equal(await chat.replies.count(), 2);
});

pageTest('thinking is folded with its time; the switch decides whether there is any', {}, async ({ chat, mock, page }) => {
  await chat.send('think about it');
  const summary = chat.replies.last().getByText(/^Thought for \d\.\d s$/);
  assert.ok(await summary.isVisible());
  assert.equal(await page.getByText('First this, then that').isVisible(), false);
  await summary.click();
  await page.getByText('First this, then that').waitFor();
  assert.match(await chat.replies.last().innerText(), /Done thinking/);
  await chat.effort('None');
  await chat.send('think again');
  assert.equal(mock.requests.at(-1).reasoning_effort, 'none');
  assert.equal(await chat.replies.last().getByText(/Thought for/).isVisible(), false);
  await chat.effort('Max');
  await chat.send('think harder');
  assert.equal(mock.requests.at(-1).reasoning_effort, 'max');
  assert.equal(mock.requests.at(-1).messages[1].reasoning_content.startsWith('First this'), true);
});

pageTest('tool calls are shown and take their result', {}, async ({ chat, mock, page }) => {
  await chat.button('Options of this conversation').click();
  await page.getByLabel('Tools').fill('[{"name": "get_weather"}]');
  await chat.button('Save').click();
  await chat.send('weather in Lisbon?');
  assert.equal(mock.requests[0].tools[0].function.name, 'get_weather');
  const reply = chat.replies.last();
  assert.match(await reply.innerText(), /Calls\s+get_weather/);
  assert.match(await reply.innerText(), /"city": "Lisbon"/);
  await page.getByRole('textbox', { name: 'Result of get_weather' }).fill('17 degrees');
  await chat.button('Send result').click();
  await chat.replies.last().getByText('The tool says: 17 degrees.').waitFor();
  await chat.ended();
  const [, call, result] = mock.requests[1].messages;
  assert.deepEqual(call.tool_calls, [{ id: 'call_abcdefghijklmnopqrstuvwx', type: 'function', function: { name: 'get_weather', arguments: '{"city": "Lisbon", "unit": "celsius"}' } }]);
  assert.deepEqual(result, { role: 'tool', tool_call_id: 'call_abcdefghijklmnopqrstuvwx', content: '17 degrees' });
});

pageTest('system prompt and sampling are sent, wrong values are not', {}, async ({ chat, mock, page }) => {
  await chat.button('Options of this conversation').click();
  await page.getByLabel('System prompt').fill('Answer in verse.');
  await page.getByLabel('Temperature').fill('3');
  await chat.button('Save').click();
  await page.getByText('Temperature: expected a number from 0 to 2').waitFor();
  await page.getByLabel('Temperature').fill('0.5');
  await page.getByLabel('Seed').fill('11');
  await chat.button('Save').click();
  await chat.send('Hello');
  const [body] = mock.requests;
  assert.equal(body.temperature, 0.5);
  assert.equal(body.seed, 11);
  assert.deepEqual(body.messages[0], { role: 'system', content: 'Answer in verse.' });
});

pageTest('text files go with a message, others are refused', {}, async ({ chat, mock, page }) => {
  const choose = page.locator('.composer input[type=file]');
  await choose.setInputFiles([
    { name: 'notes.md', mimeType: 'text/markdown', buffer: Buffer.from('depth: 10 m\n') },
    { name: 'photo.png', mimeType: 'image/png', buffer: Buffer.from([0x89, 0x50, 0, 0xff]) },
  ]);
  await page.getByText('photo.png is not a text file in UTF-8.').waitFor();
  assert.equal(await page.getByRole('list', { name: 'Attached files' }).getByRole('listitem').count(), 1);
  await chat.send('How deep?');
  assert.equal(mock.requests[0].messages[0].content, 'File notes.md:\n```\ndepth: 10 m\n```\n\nHow deep?');
  assert.match(await chat.ownMessages.last().innerText(), /notes\.md/);
});

pageTest('search, export, delete with undo, import', {}, async ({ chat, page }) => {
  await chat.send('The whale dives');
  await chat.button('New conversation').click();
  await chat.send('The boat floats');
  await page.getByRole('searchbox').fill('whale');
  await page.waitForFunction(() => document.querySelectorAll('.conversation').length === 1);
  await chat.conversations.first().click();
  await chat.replies.getByText('You said: The whale dives').waitFor();
  await page.getByRole('searchbox').fill('');
  await chat.button('Settings').click();
  const [saved] = await Promise.all([page.waitForEvent('download'), chat.button('Export').click()]);
  const content = readFileSync(await saved.path(), 'utf8');
  assert.equal(JSON.parse(content).conversations.length, 2);
  await page.keyboard.press('Escape');
  await chat.button('Delete conversation').click();
  await page.waitForFunction(() => document.querySelectorAll('.conversation').length === 1);
  await chat.button('Undo').click();
  await chat.replies.getByText('You said: The whale dives').waitFor();
  await chat.button('Delete conversation').click();
  await chat.button('Settings').click();
  await page.locator('dialog input[type=file]').setInputFiles({ name: 'all.json', mimeType: 'application/json', buffer: Buffer.from(content) });
  await page.getByText('Imported 2 conversations.').waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.conversation').length === 3);
  const [markdown] = await Promise.all([page.waitForEvent('download'), chat.conversations.first().click().then(() => chat.button('Save as Markdown').click())]);
  assert.match(readFileSync(await markdown.path(), 'utf8'), /^# The \w+ \w+\n\n## You\n/);
});

pageTest('code, formulas and replies are copied as their source', { context: { permissions: ['clipboard-read', 'clipboard-write'] } }, async ({ chat, page }) => {
  await chat.send('Explain the tides with a formula and code.');
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await chat.button('Copy code').click();
  assert.match(await clipboard(), /^G = 6\.674e-11 {2}# m/);
  await page.locator('.math-display').hover();
  await chat.button('Copy formula as TeX').click();
  assert.match(await clipboard(), /^\\Delta g \\approx/);
  await chat.replies.last().getByRole('button', { name: 'Copy reply' }).click();
  assert.match(await clipboard(), /^The tide is driven by the Moon[\s\S]*```python/);
  await page.evaluate(() => getSelection().selectAllChildren(document.querySelector('.assistant ol')));
  await page.keyboard.press('Control+c');
  assert.equal(await clipboard(), 'The effect falls with $d^{-3}$, not $d^{-2}$.\n\nThere are two bulges, one on each side.');
});

pageTest('the page can be used with the keyboard alone', {}, async ({ chat, page }) => {
  await page.waitForFunction(() => document.activeElement.getAttribute('aria-label') === 'Message');
  await page.keyboard.type('one');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('two');
  await page.keyboard.press('Enter');
  await chat.replies.getByText('You said: one').waitFor();
  await chat.ended();
  await page.keyboard.press('ArrowUp');
  assert.equal(await page.getByRole('textbox', { name: 'Edit your message' }).inputValue(), 'one\ntwo');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Alt+n');
  await page.getByRole('heading', { name: 'What would you like to know?' }).waitFor();
  await page.keyboard.press('Control+k');
  assert.equal(await page.evaluate(() => document.activeElement.type), 'search');
  await page.locator('body').press('Tab');
  await page.keyboard.press('Enter');
  await chat.replies.getByText('You said: one').waitFor();
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Message');
});

pageTest('two tabs show the same conversations', {}, async ({ chat, context, url }) => {
  await chat.send('From the first tab');
  const { ChatPage } = await import('./browser.mjs');
  const second = await ChatPage.open(context, url);
  await second.replies.getByText('You said: From the first tab').waitFor();
  await second.send('From the second tab');
  await chat.replies.getByText('You said: From the second tab').waitFor();
});

pageTest('a title can be changed', {}, async ({ chat, page }) => {
  await chat.send('Hello');
  const title = page.getByRole('textbox', { name: 'Title of the conversation' });
  await title.fill('Greetings');
  await title.press('Enter');
  await chat.conversations.getByText('Greetings').waitFor();
  await page.reload();
  await page.waitForFunction(() => document.title === 'Greetings - fathom');
});
