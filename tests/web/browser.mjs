// SPDX-License-Identifier: MIT
// Debian's Chromium without a window, driven by playwright-core from web/node_modules. Each start has a new, empty profile.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder web/ of this repository. */
export const web = join(dirname(fileURLToPath(import.meta.url)), '../../web');
export const requireFromWeb = createRequire(join(web, 'package.json'));
const { chromium } = requireFromWeb('playwright-core');

// Nothing of the browser's own may go out: every request that is seen is the page's.
const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** One browser for many tests; each has a context of its own, so nothing is shared but the process. Service workers only where a
 * test asks for them: starting one costs more than the rest of the page. */
export async function openBrowser() {
  return chromium.launch({ executablePath: process.env.FATHOM_CHROMIUM ?? '/usr/bin/chromium', headless: true, args: quiet });
}

export async function newContext(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 720 }, locale: 'en-GB', serviceWorkers: 'block', ...options });
  context.setDefaultTimeout(10_000);
  return context;
}

/** What a person does on the page, by the names that a screen reader would say. */
export class ChatPage {
  constructor(page) {
    this.page = page;
    this.composer = page.getByRole('textbox', { name: 'Message', exact: true });
    this.replies = page.getByRole('article', { name: 'Reply', exact: true });
    this.ownMessages = page.getByRole('article', { name: 'Your message' });
    this.conversations = page.getByRole('navigation', { name: 'Conversations' }).getByRole('button');
  }

  static async open(context, url) {
    const page = await context.newPage();
    await page.goto(url);
    return new ChatPage(page);
  }

  button(name) {
    return this.page.getByRole('button', { name, exact: true });
  }

  async type(text) {
    await this.composer.fill(text);
    await this.composer.press('Enter');
  }

  /** Sends and waits until the reply has ended. */
  async send(text) {
    const before = await this.replies.count();
    await this.type(text);
    await this.replies.nth(before).waitFor();
    await this.ended();
  }

  async ended() {
    await this.page.locator('article[aria-busy="true"]').first().waitFor({ state: 'detached' }).catch(async () => {
      throw new Error(`the reply has not ended: ${await this.replies.last().textContent()}`);
    });
    await this.button('Send').waitFor();
  }

  effort(level) {
    return this.page.getByRole('radio', { name: level, exact: true }).check();
  }
}
