// SPDX-License-Identifier: MIT
// Model output that attacks the page (docs/reliability.md S-13): each payload streamed one character at a time as reasoning and
// as reply. Nothing may run, nobody may be asked, no element or attribute beyond what Markdown needs may appear.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { newContext } from './browser.mjs';
import { pageTest } from './page_harness.mjs';
import { payloads } from './xss_payloads.mjs';

/** Counts calls of pwned() in every frame of the context. */
async function countExecutions(context) {
  const executed = [];
  await context.exposeBinding('pwned', ({ frame }) => { executed.push(frame.url()); });
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => { (window.violations ??= []).push(`${event.violatedDirective} ${event.blockedURI}`); });
  });
  return executed;
}

const allowedTags = new Set(('a article b blockquote br button code del details div em form h1 h2 h3 h4 h5 h6 hr i kbd label li mark ol p path pre s section ' +
  'span strong sub summary sup svg table tbody td textarea th thead tr ul').split(' '));

/** Elements and attributes in messages that no Markdown makes. KaTeX's own elements are looked at by their namespace. */
const findForeign = (tags) => {
  const found = [];
  for (const element of document.querySelectorAll('.messages *')) {
    const name = element.localName;
    const math = element.namespaceURI.endsWith('MathML');
    if (!math && !tags.includes(name)) found.push(`<${name}>`);
    for (const { name: attribute, value } of element.attributes) {
      if (/^on|^(src|srcset|srcdoc|action|formaction|ping|xlink:href|data)$/i.test(attribute)) found.push(`${name} ${attribute}=${value}`);
      if (attribute === 'href' && !/^(https?:\/\/|mailto:)/.test(value)) found.push(`${name} href=${value}`);
      if (attribute === 'id' && !/^result-/.test(value)) found.push(`${name} id=${value}`);
    }
  }
  return found;
};

/** Presses everything in the newest reply that can be pressed, with scripts alone, so that links do not open pages. */
const pressAll = () => {
  for (const element of document.querySelectorAll('.messages article:last-child :is(a, summary, [tabindex])')) {
    element.addEventListener('click', (event) => {
      if (/^https?:/.test(element.href ?? '')) event.preventDefault();
    });
    element.focus();
    element.click();
    element.dispatchEvent(new MouseEvent('mouseover', { bubbles: true }));
  }
};

const groups = 4;
for (let group = 0; group < groups; ++group) {
  const numbers = payloads.map((_, i) => i).filter((i) => i % groups === group);
  pageTest(`payloads ${group + 1} of ${groups}, as reasoning and as reply`, { }, async ({ chat, context, page }) => {
    const executed = await countExecutions(context);
    await page.reload();
    for (const number of numbers) {
      await chat.send(`xss ${number}`);
      await chat.replies.last().locator('.thinking summary').click();
      await page.evaluate(pressAll);
      const foreign = await page.evaluate(findForeign, [...allowedTags]);
      assert.deepEqual(foreign, [], payloads[number]);
      assert.deepEqual(executed, [], payloads[number]);
      await chat.page.keyboard.press('Alt+n');
    }
    await page.waitForTimeout(200);
    assert.deepEqual(executed, []);
    assert.deepEqual(await page.evaluate(() => window.violations ?? []), []);
    assert.equal(context.pages().length, 1, 'no window was opened');
  });
}

pageTest('payloads from everywhere else: title, files, tool calls, errors, imported conversations', {}, async ({ chat, mock, context, page }) => {
  const executed = await countExecutions(context);
  const payload = '<img src=x onerror=pwned()>';
  mock.authorized = () => true;
  mock.models = (response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ data: [{ id: payload, context_length: payload }] }));
  };
  await page.reload();
  await page.locator('.model').getByText(payload).waitFor();
  await page.locator('.composer input[type=file]').setInputFiles({ name: `${payload}.txt`, mimeType: 'text/plain', buffer: Buffer.from(payload) });
  await chat.send(payload);
  await chat.conversations.getByText(payload).waitFor();
  await page.getByRole('searchbox').fill('onerror');
  await page.locator('.snippet mark').waitFor();
  mock.fail = (response) => {
    response.writeHead(400, { 'Content-Type': 'application/json', 'Retry-After': payload });
    response.end(JSON.stringify({ error: { message: payload, code: payload } }));
  };
  await chat.send('bad');
  const call = { id: payload, name: payload, arguments: payload };
  const file = {
    format: 'fathom-conversations', version: 1,
    conversations: [{
      id: 'imported', title: payload, nodes: [
        { id: 'u', parent: null, role: 'user', text: payload, attachments: [{ name: payload, text: payload }] },
        { id: 'a', parent: 'u', role: 'assistant', text: payload, reasoning: payload, toolCalls: [call], finish: 'tool_calls', model: payload },
      ],
    }],
  };
  await chat.button('Settings').click();
  await page.locator('dialog input[type=file]').setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(file)) });
  await page.getByText('Imported 1 conversation.').waitFor();
  await page.evaluate(() => document.querySelector('[data-id=imported]').click());
  await page.getByText(`Calls ${payload}`).waitFor();
  assert.deepEqual(await page.evaluate(findForeign, [...allowedTags]), []);
  assert.deepEqual(executed, []);
});

// The tests above mean something only if an execution would be seen.
pageTest('a page that trusts the same payload is caught', {}, async ({ browser }) => {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' });
    response.end(`<body class="messages">${payloads[2]}</body>`);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const context = await newContext(browser);
  const executed = await countExecutions(context);
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForTimeout(100);
  assert.equal(executed.length, 1);
  assert.notDeepEqual(await page.evaluate(findForeign, []), []);
  await context.close();
  server.closeAllConnections();
  server.close();
});

// And the second wall: with scripts in the page's own hands, its policy still refuses them.
pageTest('the policy of the page refuses scripts even if an element got in', { expected: /TrustedHTML/ }, async ({ context, page }) => {
  const executed = await countExecutions(context);
  await page.reload();
  const refused = await page.evaluate(() => {
    try {
      document.body.innerHTML = '<img src=x onerror=pwned()>';
      return 'assigned';
    } catch (error) {
      return error.name;
    }
  }).catch((error) => error.message);
  assert.match(refused, /TypeError/);
  assert.deepEqual(executed, []);
});
