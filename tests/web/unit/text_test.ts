// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import test from 'node:test';
import { contextIsFull, dayGroup, formatCount, formatDuration, formatSpeed, percent } from '../../../web/src/figures';
import { blockHtml, parseBlocks } from '../../../web/src/markdown';
import { search } from '../../../web/src/search';
import { assistant, conversation, user } from './conversations';

const html = (text: string) => parseBlocks(text).map(blockHtml).join('').trim();

test('blocks joined are the text, whatever it is', () => {
  for (const text of ['a\n\nb', '# h\n- x\n- y\n\n```js\nlet a\n', '$$a$$\n\n\\[b\\]\n', '| a |\n|---|\n| b |\n\n\n', '<div>\n\nx', '> q\n>\n> r\n\n1. a']) {
    assert.equal(parseBlocks(text).map((block) => block.raw).join(''), text);
  }
});

test('HTML in Markdown is text, except a few plain tags', () => {
  assert.equal(html('<script>x()</script>'), '&lt;script&gt;x()&lt;/script&gt;');
  assert.equal(html('a <b onclick=x()>c</b>'), '<p>a &lt;b onclick=x()&gt;c&lt;/b&gt;</p>');
  assert.equal(html('H<sub>2</sub>O<br>x'), '<p>H<sub>2</sub>O<br>x</p>');
  assert.equal(html('<br onclick=x()>'), '&lt;br onclick=x()&gt;');
});

test('images become links', () => {
  assert.equal(html('![cat](https://a.example/c.png)'), '<p><a href="https://a.example/c.png">Image: cat</a></p>');
});

test('formulas are found in all four spellings', () => {
  const inline = (tex: string) => `<span class="math" data-display="no">${tex}</span>`;
  const display = (tex: string) => `<span class="math" data-display="yes">${tex}</span>`;
  assert.equal(html('so $a_1 * b_2$ is'), `<p>so ${inline('a_1 * b_2')} is</p>`);
  assert.equal(html('so \\(a\\) is'), `<p>so ${inline('a')} is</p>`);
  assert.equal(html('$$\na < b\n$$'), `<div>${display('a &lt; b')}</div>`);
  assert.equal(html('text\n\\[\na\n\\]\nmore'), `<p>text</p>\n<div>${display('a')}</div><p>more</p>`);
});

test('money, code and lone dollars are no formulas', () => {
  for (const text of ['It costs $5 and then $6.', '`$a$`', 'a $ b $ c', 'from $10 to $20', 'a lone $x', '$$', 'open $$a']) {
    assert.equal(html(text).includes('class="math"'), false, text);
  }
});

test('durations, counts, speeds and shares read well', () => {
  assert.deepEqual([40, 9940, 9960, 59_400, 59_600, 200_000].map(formatDuration), ['0.0 s', '9.9 s', '10 s', '59 s', '1 min 0 s', '3 min 20 s']);
  assert.deepEqual([7, 999, 1000, 1234567].map(formatCount), ['7', '999', '1,000', '1,234,567']);
  assert.deepEqual([0.7, 38.24, 99.96, 4210.2].map(formatSpeed), ['0.7', '38.2', '100', '4,210']);
  assert.deepEqual([[0, 9], [1, 1000], [999, 1000], [5, 5], [6, 5], [1, 0]].map(([part, whole]) => percent(part!, whole!)), [0, 1, 99, 100, 100, 0]);
});

test('a context is full when no further token fits', () => {
  const figures = (completionTokens: number) => ({ contextLength: 100, usage: { promptTokens: 60, cachedTokens: 0, completionTokens, reasoningTokens: 0 } });
  assert.equal(contextIsFull(figures(38)), false);
  assert.equal(contextIsFull(figures(40)), true);
  assert.equal(contextIsFull({}), false);
});

test('conversations are grouped by the day they changed', () => {
  const now = new Date(2026, 10, 24, 15).getTime();
  const on = (day: number, hour: number) => dayGroup(new Date(2026, 10, day, hour).getTime(), now);
  assert.deepEqual([on(24, 0), on(23, 23), on(23, 0), on(22, 23), on(17, 1), on(16, 23)], ['Today', 'Yesterday', 'Yesterday', 'Past week', 'Past week', 'November 2026']);
});

test('search needs every word, in title or text, and shows where', () => {
  const whale = conversation([user('u', null, 'How deep do whales dive?'), assistant('a', 'u', 'Sperm whales reach 2,000 m.')], { id: 'w', title: 'Whales', updatedAt: 5 });
  const other = conversation([user('u', null, 'Boats')], { id: 'o', title: 'Other', updatedAt: 9 });
  const ids = (query: string) => search([whale, other], query).map((hit) => hit.conversation.id);
  assert.deepEqual(ids(''), ['o', 'w']);
  assert.deepEqual(ids('WHALES sperm'), ['w']);
  assert.deepEqual(ids('whales boats'), []);
  assert.deepEqual(search([whale], 'sperm')[0]!.snippet, { before: '', match: 'Sperm', after: ' whales reach 2,000 m.' });
  assert.equal(search([whale], 'zzz').length, 0);
});
