// SPDX-License-Identifier: MIT
// The model's reasoning, folded, with how long it took.
import { h, icon } from '../dom';
import { formatDuration } from '../figures';
import { MarkdownView } from '../markdown_view';
import type { AssistantNode } from '../types';

export class ThinkingView {
  readonly element: HTMLDetailsElement;
  private readonly label = h('span', { class: 'thinking-label' });
  private readonly body = new MarkdownView('thinking-text');

  constructor(private readonly node: AssistantNode) {
    this.element = h('details', { class: 'thinking' },
      h('summary', {}, icon('bulb'), this.label, icon('chevron')), this.body.element);
    // Folded text is not drawn while it streams; it is when it is opened.
    this.element.addEventListener('toggle', () => this.update());
  }

  update(): void {
    const { node } = this;
    this.element.hidden = node.reasoning === '';
    const thinks = node.finish === 'running' && node.text === '' && node.toolCalls.length === 0;
    const time = formatDuration(Math.max(100, node.figures.thinkingMs ?? 0));
    this.element.classList.toggle('live', thinks);
    this.label.textContent = thinks ? `Thinking for ${time}` : `Thought for ${time}`;
    if (this.element.open) this.body.update(node.reasoning, thinks);
  }
}
