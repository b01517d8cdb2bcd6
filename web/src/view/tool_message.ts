// SPDX-License-Identifier: MIT
// The result of a tool call, as it was given to the model.
import { h, icon } from '../dom';
import type { ToolNode } from '../types';
import type { MessageView } from './message_view';

export class ToolMessageView implements MessageView {
  readonly element: HTMLElement;

  constructor(node: ToolNode) {
    this.element = h('article', { class: 'message tool-result', 'aria-label': `Result of ${node.name}` },
      h('div', { class: 'tool-head' }, icon('tool'), h('span', {}, 'Result of '), h('code', {}, node.name)),
      h('pre', { tabindex: '0', role: 'region', 'aria-label': 'Result' }, node.text));
  }

  update(): void {}
}
