// SPDX-License-Identifier: MIT
// The plain page, which a program built without npm carries.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { web } from './browser.mjs';
import { pageTest } from './page_harness.mjs';

const files = mkdtempSync(join(tmpdir(), 'fathom-plain-'));
cpSync(join(web, 'plain'), files, { recursive: true });
cpSync(join(web, 'icon.svg'), join(files, 'icon.svg'));
after(() => rmSync(files, { recursive: true }));

pageTest('the plain page asks, streams, stops and shows errors, as text', { server: { files, key: 'k' } }, async ({ mock, page }) => {
  await page.getByText('Missing or wrong API key.').waitFor();
  await page.getByLabel('API key').fill('k');
  await page.getByLabel('API key').blur();
  await page.getByText('tiny-chat').waitFor();
  const field = page.getByLabel('Message');
  const send = async (text) => {
    await field.fill(text);
    await field.press('Enter');
  };
  const idle = () => page.getByRole('button', { name: 'Send' }).waitFor();
  await send('say <img src=x onerror=alert(1)> **bold**');
  await page.locator('.assistant').getByText('<img src=x onerror=alert(1)> **bold**').waitFor();
  await idle();
  await send('count');
  await page.getByText('number 3,').waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await idle();
  await send('bad');
  await page.getByText('temperature: expected 0 to 2, found 7').waitFor();
  await idle();
  await send('more');
  await page.getByText('You said: more').waitFor();
  const roles = mock.requests.at(-1).messages.map((message) => message.role);
  assert.deepEqual(roles, ['user', 'assistant', 'user', 'assistant', 'user', 'user']);
});
