// SPDX-License-Identifier: MIT
// Takes pictures of the page on the mock server: node screenshots.mjs FILES OUT NAME... (those of docs/web.md: light dark
// thinking tool away phone), or all of them.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ChatPage, newContext, openBrowser, web } from './browser.mjs';
import { MockServer } from './mock_server.mjs';

const [files, out, ...names] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const headersFile = join(web, 'headers.txt');
const phone = { width: 390, height: 780 };
const tides = 'Explain the tides with a formula and code.';

async function tidesWith(chat) {
  await chat.send('How long is a day on the Moon?');
  await chat.send(tides);
}

const top = (chat, locator) => locator.evaluate((element) => element.scrollIntoView({ block: 'start' })).then(() => chat.page.waitForTimeout(150));

const scenes = {
  light: { run: async (chat) => { await tidesWith(chat); await top(chat, chat.ownMessages.last()); } },
  dark: { colorScheme: 'dark', run: async (chat) => { await tidesWith(chat); await top(chat, chat.page.locator('.table-frame').last()); } },
  phone: { viewport: phone, run: async (chat) => { await tidesWith(chat); await top(chat, chat.ownMessages.last()); } },
  drawer: { viewport: phone, run: async (chat) => { await tidesWith(chat); await chat.button('Conversations').click(); await chat.page.waitForTimeout(300); } },
  thinking: { run: async (chat) => { await chat.send(tides); await chat.page.locator('.thinking summary').click(); await top(chat, chat.ownMessages.last()); } },
  tool: { colorScheme: 'dark', run: async (chat) => { await chat.send('How is the weather in Lisbon?'); } },
  live: { run: async (chat) => { await chat.send('How long is a day on the Moon?'); await chat.type('think'); await chat.page.locator('.thinking.live').waitFor(); await chat.page.waitForTimeout(100); } },
  queue: { run: async (chat) => { await chat.type('queue'); await chat.page.waitForTimeout(2300); } },
  'phone-empty': { viewport: phone, colorScheme: 'dark', run: async () => {} },
  'phone-options': { viewport: phone, run: async (chat) => { await chat.button('Options of this conversation').click(); } },
  files: { run: async (chat) => { await chat.page.locator('.composer input[type=file]').setInputFiles([{ name: 'notes.md', mimeType: 'text/markdown', buffer: Buffer.from('depth: 10 m') }]); await chat.send('How deep?'); await chat.page.locator('.composer input[type=file]').setInputFiles([{ name: 'log.txt', mimeType: 'text/plain', buffer: Buffer.from('x') }]); } },
  empty: { run: async () => {} },
  'dark-empty': { colorScheme: 'dark', run: async () => {} },
  options: { run: async (chat) => { await chat.button('Options of this conversation').click(); } },
  settings: { colorScheme: 'dark', run: async (chat) => { await chat.send('Hello'); await chat.button('Settings').click(); } },
  busy: { run: async (chat) => { await chat.send('busy'); } },
  full: { run: async (chat) => { await chat.send('long'); await chat.send('full'); } },
  away: { run: async (chat, mock) => { await chat.send('Hello'); await mock.close(); await chat.send('Are you still there?'); } },
  key: { key: 'secret', run: async (chat) => { await chat.button('Enter key').first().click(); } },
  edit: { run: async (chat) => { await chat.send('Hello'); await chat.button('Regenerate reply').click(); await chat.ended(); await chat.composer.press('ArrowUp'); } },
  search: { run: async (chat) => { await tidesWith(chat); await chat.button('New conversation').click(); await chat.send('How is the weather?'); await chat.page.getByRole('searchbox').fill('moon'); await chat.page.waitForTimeout(100); } },
};

const browser = await openBrowser();
for (const [name, scene] of Object.entries(scenes)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const mock = new MockServer({ files, headersFile, key: scene.key });
  const context = await newContext(browser, { viewport: scene.viewport ?? { width: 1100, height: 720 }, colorScheme: scene.colorScheme ?? 'light' });
  const chat = await ChatPage.open(context, await mock.listen());
  chat.page.on('console', (message) => console.log(`${name}: ${message.text()}`));
  chat.page.on('pageerror', (error) => console.log(`${name}: ${error.message}`));
  await chat.page.getByText('tiny-chat').or(chat.page.getByText('wants a key')).first().waitFor();
  await scene.run(chat, mock).catch((error) => console.log(`${name}: ${error.message}`));
  await chat.page.screenshot({ path: join(out, `web-${name}.png`) });
  await context.close();
  await mock.close().catch(() => undefined);
}
await browser.close();
