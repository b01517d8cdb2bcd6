// SPDX-License-Identifier: MIT
// A reply: thinking, text, tool calls, how it ended, and its figures.
import type { App } from '../app';
import { copyButton, h, iconButton } from '../dom';
import { contextIsFull, formatDuration } from '../figures';
import { MarkdownView } from '../markdown_view';
import { canContinue } from '../tree';
import type { AssistantNode } from '../types';
import { errorCard } from './error_card';
import { figuresLine } from './figures_line';
import { branchSwitch, type MessageView } from './message_view';
import { ThinkingView } from './thinking';
import { ToolCallsView } from './tool_calls';

/** Undefined for an end that needs no word. */
function endNote(node: AssistantNode): string | undefined {
  switch (node.finish) {
    case 'stopped':
      return 'Stopped';
    case 'aborted':
      return 'The server ended this reply before it was complete.';
    case 'length':
      return contextIsFull(node.figures)
        ? 'The context is full: nothing more fits. Start a new conversation, or edit an earlier message.'
        : 'Cut off at the longest reply allowed in the options.';
    default:
      return undefined;
  }
}

export class AssistantMessageView implements MessageView {
  readonly element: HTMLElement;
  private readonly thinking: ThinkingView;
  private readonly text = new MarkdownView('');
  private readonly calls: ToolCallsView;
  private readonly end = h('div', { class: 'message-end' });
  private readonly waiting = h('div', { class: 'waiting', 'aria-hidden': 'true' }, h('span'), h('span'), h('span'), h('em'));
  private readonly createdHere = performance.now();
  private ended = false;

  constructor(private readonly app: App, private readonly node: AssistantNode, private readonly enterKey: () => void) {
    this.thinking = new ThinkingView(node);
    this.calls = new ToolCallsView(app, node);
    this.element = h('article', { class: 'message assistant', 'aria-label': 'Reply' },
      this.thinking.element, this.text.element, this.calls.element, this.waiting, this.end);
  }

  update(last: boolean): void {
    const { node } = this;
    const running = node.finish === 'running';
    this.element.setAttribute('aria-busy', String(running));
    this.thinking.update();
    this.text.element.hidden = node.text === '';
    this.text.update(node.text, running);
    const calls = node.toolCalls.length > 0;
    this.calls.element.hidden = !calls;
    if (calls) this.calls.update(last && !running && node.finish !== 'error');
    this.waiting.hidden = !(running && node.text === '' && node.reasoning === '' && !calls);
    if (!this.waiting.hidden) this.tick();
    if (!running) this.drawEnd(last);
    else if (this.ended) this.end.replaceChildren();
    this.ended = !running;
  }

  private drawEnd(last: boolean): void {
    const { app, node } = this;
    const note = endNote(node);
    const branches = branchSwitch(app, node) ?? null;
    // A failed reply without a word offers its own way on.
    const empty = node.error !== undefined && node.text === '';
    const regenerate = iconButton('refresh', 'Regenerate reply', () => app.regenerate(node));
    regenerate.disabled = app.isRunning();
    const children: (Node | undefined)[] = [
      note === undefined ? undefined : h('p', { class: 'end-note' }, note,
        last && canContinue(node) && h('button', { type: 'button', class: 'button', on: { click: () => app.continueReply(node) } }, 'Continue')),
      node.error && errorCard(node.error, node.createdAt + (node.figures.totalMs ?? 0), {
        retry: () => app.retry(node),
        enterKey: this.enterKey,
        startNew: () => app.startNew(),
      }),
      h('div', { class: 'message-foot' },
        h('div', { class: 'message-actions' }, ...(empty ? [] : [copyButton('Copy reply', () => node.text), regenerate]), branches),
        figuresLine(node.figures) ?? null),
    ];
    this.end.replaceChildren(...children.filter((child) => child !== undefined));
  }

  /** After two seconds without a word, how long it has been. */
  private tick(): void {
    const waited = performance.now() - this.createdHere;
    this.waiting.lastElementChild!.textContent = waited < 2000 ? '' : `waiting for ${formatDuration(waited)}`;
    setTimeout(() => {
      if (!this.waiting.hidden && this.waiting.isConnected) this.tick();
    }, 500);
  }
}
