// SPDX-License-Identifier: MIT
// Markdown on the page, growing while it streams: only blocks whose source changed are made anew.
import type { Token } from 'marked';
import { copyButton, h } from './dom';
import { setFormula } from './formula';
import { highlighted } from './highlight';
import { blockHtml, parseBlocks } from './markdown';
import { markdownFragment } from './sanitize';

interface Shown {
  raw: string;
  nodes: ChildNode[];
}

function codeBlock(pre: HTMLElement, grows: boolean): HTMLElement {
  const inner = pre.querySelector('code');
  const code = inner?.textContent ?? pre.textContent ?? '';
  const language = (inner?.dataset.language ?? '').toLowerCase();
  // A long block that still grows would be coloured again with every piece.
  const body = grows && code.length > 4000 ? document.createTextNode(code) : highlighted(code, language);
  const name = language || 'text';
  return h('div', { class: 'code-block' },
    h('div', { class: 'code-head' }, h('span', {}, name), copyButton('Copy code', () => code)),
    h('pre', { tabindex: '0', role: 'region', 'aria-label': `Code, ${name}` }, h('code', {}, body)));
}

function finishFormula(span: HTMLElement): void {
  const tex = span.textContent ?? '';
  const display = span.dataset.display === 'yes';
  setFormula(span, tex, display);
  if (!display) return;
  span.classList.add('math-display');
  span.append(copyButton('Copy formula as TeX', () => tex, 'formula-copy'));
}

function finishLink(link: HTMLAnchorElement): void {
  if (!link.hasAttribute('href')) {
    link.replaceWith(...link.childNodes);
    return;
  }
  link.target = '_blank';
  link.rel = 'noopener noreferrer nofollow';
}

/** What the cleaned HTML still lacks: formulas, colours, copy buttons, careful links. */
function finish(fragment: DocumentFragment, grows: boolean): void {
  for (const span of fragment.querySelectorAll<HTMLElement>('span.math')) finishFormula(span);
  for (const pre of fragment.querySelectorAll<HTMLElement>('pre')) pre.replaceWith(codeBlock(pre, grows));
  for (const link of fragment.querySelectorAll('a')) finishLink(link);
  for (const table of fragment.querySelectorAll('table')) {
    const frame = h('div', { class: 'table-frame', tabindex: '0', role: 'region', 'aria-label': 'Table' });
    table.replaceWith(frame);
    frame.append(table);
  }
}

export class MarkdownView {
  readonly element: HTMLElement;
  private shown: Shown[] = [];
  private text: string | undefined;
  private links = '';
  private growing = false;

  constructor(className: string) {
    this.element = h('div', { class: `markdown ${className}`.trim() });
  }

  /** Shows `text`; `grows` says that more of it is coming. */
  update(text: string, grows: boolean): void {
    if (text === this.text && grows === this.growing) return;
    const blocks = parseBlocks(text);
    const links = JSON.stringify(blocks.links);
    let same = 0;
    if (links === this.links) {
      while (same < this.shown.length && this.shown[same]!.raw === blocks[same]?.raw) ++same;
    }
    // The last block was drawn as one that grows.
    if (this.growing && !grows && same === this.shown.length) same = Math.max(0, same - 1);
    for (const { nodes } of this.shown.splice(same)) for (const node of nodes) node.remove();
    for (let i = same; i < blocks.length; ++i) this.append(blocks[i]!, grows && i === blocks.length - 1);
    this.text = text;
    this.links = links;
    this.growing = grows;
  }

  private append(block: Token, grows: boolean): void {
    const fragment = markdownFragment(blockHtml(block));
    finish(fragment, grows);
    this.shown.push({ raw: block.raw, nodes: [...fragment.childNodes] });
    this.element.append(fragment);
  }
}
