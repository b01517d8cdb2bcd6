// SPDX-License-Identifier: MIT
// The page for everybody: axe-core finds nothing, in both themes and at phone width; nothing sticks out of a narrow window.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { requireFromWeb } from './browser.mjs';
import { pageTest } from './page_harness.mjs';

const axeSource = readFileSync(requireFromWeb.resolve('axe-core/axe.min.js'), 'utf8');

async function assertAccessible(page, what) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  const shown = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html).join(' | ')}`);
  assert.deepEqual(shown, [], what);
}

async function walk(chat, page, theme) {
  await assertAccessible(page, `${theme}: empty`);
  await chat.send('Explain the tides with a formula and code.');
  await chat.replies.last().getByText(/Thought for/).click();
  await assertAccessible(page, `${theme}: formula, code, table, thinking`);
  await chat.send('weather?');
  await chat.send('busy');
  await assertAccessible(page, `${theme}: tool call, error`);
}

for (const theme of ['light', 'dark']) {
  pageTest(`axe finds nothing in the ${theme} theme`, { context: { colorScheme: theme, reducedMotion: 'reduce' } }, async ({ chat, page }) => {
    await walk(chat, page, theme);
    for (const [button, dialog] of [['Options of this conversation', 'Options'], ['Settings', 'Settings']]) {
      await chat.button(button).click();
      await page.getByRole('dialog', { name: dialog }).waitFor();
      await assertAccessible(page, `${theme}: ${dialog}`);
      await page.keyboard.press('Escape');
    }
    await chat.ownMessages.first().getByRole('button', { name: 'Edit message' }).click({ force: true });
    await assertAccessible(page, `${theme}: editing`);
  });
}

pageTest('axe finds nothing at phone width, and nothing sticks out', { context: { viewport: { width: 360, height: 640 }, reducedMotion: 'reduce' } }, async ({ chat, page }) => {
  await walk(chat, page, 'phone');
  await chat.send(`say ${'long'.repeat(100)} \`${'code'.repeat(60)}\` https://a.example/${'path'.repeat(50)}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth || document.querySelector('.scroller').scrollWidth > innerWidth);
  assert.equal(wide, false);
  assert.equal(await page.getByRole('navigation', { name: 'Conversations' }).isVisible(), false);
  await chat.button('Conversations').click();
  await page.getByRole('navigation', { name: 'Conversations' }).waitFor();
  await assertAccessible(page, 'phone: drawer');
  await chat.button('New conversation').click();
  await page.waitForFunction(() => !document.body.classList.contains('drawer-open'));
});

pageTest('the chosen theme stays', { context: { colorScheme: 'light' } }, async ({ chat, page }) => {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await chat.button('Settings').click();
  await page.getByRole('radio', { name: 'Dark' }).check();
  const dark = await background();
  assert.notEqual(dark, light);
  await page.reload();
  await chat.composer.waitFor();
  assert.equal(await background(), dark);
});

pageTest('a screen reader is told when a reply is complete', {}, async ({ chat, page }) => {
  await chat.send('Hello');
  assert.equal(await page.locator('#announcer').textContent(), 'Reply complete');
  await chat.send('bad');
  assert.equal(await page.locator('#announcer').textContent(), 'The reply failed');
});
