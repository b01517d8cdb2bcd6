// SPDX-License-Identifier: MIT
// Markdown to HTML text. HTML inside it is shown as text (a handful of plain tags excepted), images become links; what
// comes out is cleaned once more by sanitize.ts before it reaches the page.
import { Marked, type Token, type TokensList } from 'marked';
import { escapeHtml } from './escape';
import { mathExtensions } from './math_tokens';

// Tags without attributes that models use for what Markdown cannot say.
const plainTag = /^<(?:br ?\/?|\/?(?:sub|sup|kbd|mark))>$/i;

const marked = new Marked({
  gfm: true,
  extensions: mathExtensions,
  renderer: {
    html({ text }) {
      return plainTag.test(text.trim()) ? text : escapeHtml(text);
    },
    image({ href, text }) {
      return `<a href="${escapeHtml(href)}">Image: ${escapeHtml(text || href)}</a>`;
    },
    checkbox({ checked }) {
      return checked ? '☑ ' : '☐ ';
    },
    code({ text, lang }) {
      const language = (lang ?? '').trim().split(/\s/, 1)[0] ?? '';
      return `<pre><code data-language="${escapeHtml(language)}">${escapeHtml(text)}</code></pre>`;
    },
  },
});

/** The blocks of a text, in order; `raw` of all of them joined is the text. */
export function parseBlocks(text: string): TokensList {
  return marked.lexer(text);
}

export function blockHtml(block: Token): string {
  return marked.parser([block]);
}
