// SPDX-License-Identifier: MIT
// The messages of the path shown. Views are kept as long as their message stays on the path, so nothing flickers.
import type { App, Change } from '../app';
import { h, icon } from '../dom';
import { activePath } from '../tree';
import type { MessageNode } from '../types';
import { AssistantMessageView } from './assistant_message';
import type { MessageView } from './message_view';
import { ToolMessageView } from './tool_message';
import { UserMessageView } from './user_message';

/** Closer to the end than this, the view follows what is written. */
const followPx = 80;

export class MessageList {
  readonly element: HTMLElement;
  private readonly list = h('div', { class: 'messages' });
  private readonly toEnd: HTMLButtonElement;
  private views = new Map<string, { node: MessageNode; view: MessageView }>();
  private shownConversation = '';
  private follows = true;
  private frame = 0;
  private grown = new Set<MessageView>();

  constructor(private readonly app: App, private readonly enterKey: () => void, private readonly empty: HTMLElement) {
    this.toEnd = h('button', { type: 'button', class: 'to-end', 'aria-label': 'Go to the newest message', hidden: true, on: { click: () => this.scrollToEnd('smooth') } }, icon('down'));
    this.element = h('div', { class: 'scroller', tabindex: '-1' }, this.list, this.toEnd);
    this.element.addEventListener('scroll', () => this.noteScroll(), { passive: true });
    new ResizeObserver(() => this.keepEnd()).observe(this.list);
    app.listen((change) => this.take(change));
  }

  /** Opens the newest message of the user for editing. */
  editLast(): void {
    const users = [...this.views.values()].filter(({ view }) => view instanceof UserMessageView);
    (users[users.length - 1]?.view as UserMessageView | undefined)?.startEditing();
  }

  private take(change: Change): void {
    if (change.what === 'path') {
      this.show();
    } else if (change.what === 'message' && change.conversation === this.app.current.id) {
      if (change.ended) this.show();
      else this.growSoon(change.node);
    }
  }

  private show(): void {
    const path = activePath(this.app.current);
    const views = new Map<string, { node: MessageNode; view: MessageView }>();
    for (const node of path) {
      const known = this.views.get(node.id);
      views.set(node.id, known?.node === node ? known : { node, view: this.create(node) });
    }
    this.views = views;
    const list = [...views.values()];
    list.forEach(({ view }, i) => view.update(i === list.length - 1));
    this.arrange(list.map(({ view }) => view.element));
    if (this.shownConversation !== this.app.current.id || this.app.isRunning()) this.follows = true;
    this.shownConversation = this.app.current.id;
    this.keepEnd();
  }

  /** Puts elements in order and moves none that is in its place: moving would lose focus and open details. */
  private arrange(elements: HTMLElement[]): void {
    const wanted: HTMLElement[] = elements.length > 0 ? elements : [this.empty];
    for (const child of [...this.list.children]) if (!wanted.includes(child as HTMLElement)) child.remove();
    wanted.forEach((element, i) => {
      if (this.list.children[i] !== element) this.list.insertBefore(element, this.list.children[i] ?? null);
    });
  }

  private create(node: MessageNode): MessageView {
    switch (node.role) {
      case 'user':
        return new UserMessageView(this.app, node);
      case 'assistant':
        return new AssistantMessageView(this.app, node, this.enterKey);
      case 'tool':
        return new ToolMessageView(node);
    }
  }

  /** Pieces may come faster than frames: each frame draws once. */
  private growSoon(node: MessageNode): void {
    const view = this.views.get(node.id)?.view;
    if (!view) return;
    this.grown.add(view);
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      for (const grown of this.grown) grown.update(true);
      this.grown.clear();
    });
  }

  private noteScroll(): void {
    const below = this.element.scrollHeight - this.element.scrollTop - this.element.clientHeight;
    this.follows = below < followPx;
    this.toEnd.hidden = below < 2 * followPx;
  }

  private keepEnd(): void {
    if (this.follows) this.scrollToEnd('instant');
  }

  private scrollToEnd(behavior: ScrollBehavior): void {
    this.element.scrollTo({ top: this.element.scrollHeight, behavior });
  }
}
