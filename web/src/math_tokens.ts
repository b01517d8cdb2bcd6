// SPDX-License-Identifier: MIT
// Formulas in Markdown: $a$, \(a\), $$a$$, \[a\]. A dollar sign before a digit that follows a blank stays money.
import type { TokenizerAndRendererExtension, Tokens } from 'marked';
import { escapeHtml } from './escape';

interface MathToken extends Tokens.Generic {
  tex: string;
  display: boolean;
}

const block = /^ {0,3}(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n+|$)/;
const inlineRules: readonly { pattern: RegExp; display: boolean }[] = [
  { pattern: /^\$\$((?:\\[\s\S]|[^\\$])+?)\$\$/, display: true },
  { pattern: /^\$(?![\s$])((?:\\.|[^\\$\n])+?)(?<!\s)\$(?!\d)/, display: false },
  { pattern: /^\\\(([\s\S]+?)\\\)/, display: false },
  { pattern: /^\\\[([\s\S]+?)\\\]/, display: true },
];

// The formula stays text here; it is set by KaTeX after the HTML has been cleaned.
function renderer(token: Tokens.Generic): string {
  const { tex, display } = token as MathToken;
  const html = `<span class="math" data-display="${display ? 'yes' : 'no'}">${escapeHtml(tex)}</span>`;
  return token.type === 'mathBlock' ? `<div>${html}</div>` : html;
}

export const mathExtensions: TokenizerAndRendererExtension[] = [
  {
    name: 'mathBlock',
    level: 'block',
    start: (source) => source.match(/\$\$|\\\[/)?.index,
    tokenizer(source) {
      const found = block.exec(source);
      const tex = found?.[1] ?? found?.[2];
      if (!found || tex === undefined || tex.trim() === '') return undefined;
      return { type: 'mathBlock', raw: found[0], tex: tex.trim(), display: true };
    },
    renderer,
  },
  {
    name: 'mathInline',
    level: 'inline',
    start: (source) => source.match(/\$|\\\(|\\\[/)?.index,
    tokenizer(source) {
      for (const { pattern, display } of inlineRules) {
        const found = pattern.exec(source);
        const tex = found?.[1];
        if (found && tex !== undefined && tex.trim() !== '') {
          return { type: 'mathInline', raw: found[0], tex: tex.trim(), display };
        }
      }
      return undefined;
    },
    renderer,
  },
];
