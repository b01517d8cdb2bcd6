// SPDX-License-Identifier: MIT
// Tool calls of a reply: name, arguments, and, at the end of the conversation, fields for their results.
import type { App } from '../app';
import { copyButton, h, icon } from '../dom';
import { highlighted } from '../highlight';
import type { AssistantNode, ToolCall } from '../types';

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function callView(call: ToolCall): HTMLElement {
  const shown = pretty(call.arguments);
  return h('div', { class: 'tool-call' },
    h('div', { class: 'tool-head' }, icon('tool'), h('span', {}, 'Calls '), h('code', {}, call.name), copyButton('Copy arguments', () => call.arguments)),
    h('pre', { tabindex: '0', role: 'region', 'aria-label': `Arguments of ${call.name}` }, h('code', {}, highlighted(shown, 'json'))));
}

function resultForm(app: App, node: AssistantNode): HTMLElement {
  const areas = node.toolCalls.map((call, i) =>
    h('textarea', { rows: 2, class: 'result-area', id: `result-${node.id}-${i}`, placeholder: 'What the tool answers' , 'aria-label': `Result of ${call.name}` }));
  const submit = (event: Event) => {
    event.preventDefault();
    app.sendToolResults(node, areas.map((area) => area.value));
  };
  return h('form', { class: 'result-form', on: { submit } },
    ...areas.flatMap((area, i) => [
      areas.length > 1 && h('label', { for: area.id }, `Result of ${node.toolCalls[i]!.name}`), area]),
    h('div', { class: 'editor-actions' },
      h('span', { class: 'hint' }, 'This page runs no tools: type what they answer.'),
      h('button', { type: 'submit', class: 'button primary' }, node.toolCalls.length > 1 ? 'Send results' : 'Send result')));
}

/** Drawn anew only when something in it changed, so that what is being typed stays. */
export class ToolCallsView {
  readonly element = h('div', { class: 'tool-calls' });
  private drawn = '';

  constructor(private readonly app: App, private readonly node: AssistantNode) {}

  update(wantsResults: boolean): void {
    const state = JSON.stringify([this.node.toolCalls, wantsResults]);
    if (state === this.drawn) return;
    this.drawn = state;
    this.element.replaceChildren(...this.node.toolCalls.map(callView));
    if (wantsResults) this.element.append(resultForm(this.app, this.node));
  }
}
