// SPDX-License-Identifier: MIT
// The list of conversations: new, search, groups by day, settings.
import type { App } from '../app';
import { h, icon, iconButton } from '../dom';
import { dayGroup } from '../figures';
import { search, type Hit } from '../search';

export class Sidebar {
  readonly element: HTMLElement;
  private readonly list = h('nav', { class: 'conversation-list', 'aria-label': 'Conversations' });
  private readonly field = h('input', { type: 'search', placeholder: 'Search', 'aria-label': 'Search conversations', autocomplete: 'off' });
  private frame = 0;

  constructor(private readonly app: App, actions: { settings: () => void; close: () => void; opened: () => void }) {
    this.element = h('aside', { class: 'sidebar', 'aria-label': 'Sidebar', id: 'sidebar' },
      h('div', { class: 'sidebar-head' },
        h('span', { class: 'brand' }, h('span', { class: 'brand-mark', 'aria-hidden': 'true' }), 'fathom'),
        iconButton('close', 'Close sidebar', actions.close, 'phone-only')),
      h('button', { type: 'button', class: 'button new-button', on: { click: () => { app.startNew(); actions.opened(); } } }, icon('plus'), 'New conversation'),
      h('div', { class: 'search-field' }, icon('search'), this.field),
      this.list,
      h('div', { class: 'sidebar-foot' },
        h('button', { type: 'button', class: 'plain-button', on: { click: actions.settings } }, icon('gear'), 'Settings')));
    this.field.addEventListener('input', () => this.draw());
    this.list.addEventListener('click', (event) => {
      const button = (event.target as Element).closest<HTMLElement>('button[data-id]');
      if (!button) return;
      app.open(button.dataset.id!);
      actions.opened();
    });
    app.listen((change) => {
      if (change.what === 'list') this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.draw(); });
    });
  }

  focusSearch(): void {
    this.field.focus();
    this.field.select();
  }

  private draw(): void {
    const hits = search(this.app.conversations.values(), this.field.value);
    const children: HTMLElement[] = [];
    let group = '';
    for (const hit of hits) {
      const day = dayGroup(hit.conversation.updatedAt, Date.now());
      if (day !== group) children.push(h('h2', {}, day));
      group = day;
      children.push(this.item(hit));
    }
    if (hits.length === 0) {
      children.push(h('p', { class: 'hint' }, this.field.value.trim() === '' ? 'Conversations are kept in this browser.' : 'Nothing found.'));
    }
    this.list.replaceChildren(...children);
  }

  private item({ conversation, snippet }: Hit): HTMLElement {
    const current = conversation === this.app.current;
    return h('button', { type: 'button', class: 'conversation', 'data-id': conversation.id, 'aria-current': current ? 'page' : undefined },
      h('span', { class: 'conversation-title' }, h('span', {}, conversation.title),
        this.app.isRunning(conversation.id) && h('span', { class: 'dot running', role: 'img', 'aria-label': 'writing' })),
      snippet && h('span', { class: 'snippet' }, snippet.before, h('mark', {}, snippet.match), snippet.after));
  }
}
