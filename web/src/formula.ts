// SPDX-License-Identifier: MIT
// Formulas set by KaTeX, straight to elements: no HTML text, no links, no classes chosen by the text.
import katex from 'katex';

const options = {
  trust: false,
  strict: 'ignore',
  throwOnError: true,
  maxExpand: 500,
  maxSize: 20,
} as const;

/** Sets `tex` into the element; a formula that KaTeX does not read stays as its source. */
export function setFormula(element: HTMLElement, tex: string, display: boolean): void {
  try {
    katex.render(tex, element, { ...options, displayMode: display });
  } catch {
    const delimiter = display ? '$$' : '$';
    element.textContent = `${delimiter}${tex}${delimiter}`;
    element.classList.add('math-source');
  }
}

function source(formula: Element): string {
  const tex = formula.querySelector('annotation')?.textContent ?? formula.textContent ?? '';
  const delimiter = formula.closest('.katex-display') ? '$$' : '$';
  return delimiter + tex + delimiter;
}

/** Copying a selection gives each formula as its TeX source instead of its letters in odd order. */
export function copyFormulasAsTex(event: ClipboardEvent): void {
  const selection = getSelection();
  if (!event.clipboardData || !selection || selection.isCollapsed || selection.rangeCount === 0) return;
  const fragment = selection.getRangeAt(0).cloneContents();
  const formulas = fragment.querySelectorAll('.katex');
  if (formulas.length === 0) return;
  for (const formula of formulas) formula.replaceWith(source(formula));
  for (const block of fragment.querySelectorAll('p, li, pre, tr, h1, h2, h3, h4, h5, h6')) block.append('\n');
  event.clipboardData.setData('text/plain', (fragment.textContent ?? '').replace(/\n{3,}/g, '\n\n').trim());
  event.preventDefault();
}
