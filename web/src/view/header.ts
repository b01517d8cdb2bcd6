// SPDX-License-Identifier: MIT
// Title of the conversation, the model with its state, and what can be done with the conversation.
import type { App, ServerState } from '../app';
import { download, h, icon, iconButton } from '../dom';
import { exportMarkdown } from '../transfer';
import { activePath } from '../tree';

const states: Record<ServerState, string> = {
  connecting: 'connecting',
  ready: 'ready',
  unreachable: 'not reachable',
  loading: 'not ready yet',
  key: 'wants a key',
};

export class Header {
  readonly element: HTMLElement;
  private readonly title = h('input', { class: 'title-field', 'aria-label': 'Title of the conversation', placeholder: 'New conversation', maxlength: 200, autocomplete: 'off' });
  private readonly heading = h('h1', { class: 'off-screen' });
  private readonly model = h('div', { class: 'model' });
  private readonly buttons: HTMLButtonElement[];

  constructor(private readonly app: App, actions: { menu: () => void; options: () => void; remove: () => void }) {
    this.buttons = [
      iconButton('download', 'Save as Markdown', () => this.save()),
      iconButton('trash', 'Delete conversation', actions.remove),
    ];
    this.element = h('header', { class: 'header' }, this.heading,
      iconButton('menu', 'Conversations', actions.menu, 'menu-button'), this.title, this.model,
      iconButton('sliders', 'Options of this conversation', actions.options), ...this.buttons);
    this.title.addEventListener('change', () => app.rename(this.title.value));
    this.title.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.title.blur();
    });
    app.listen((change) => {
      if (change.what !== 'message') this.draw();
    });
    this.draw();
  }

  private draw(): void {
    const { current, server, model, conversations } = this.app;
    if (document.activeElement !== this.title) this.title.value = current.title;
    this.heading.textContent = current.title || 'New conversation';
    const stored = conversations.has(current.id);
    this.title.disabled = !stored;
    for (const button of this.buttons) button.hidden = !stored;
    document.title = current.title === '' ? 'fathom' : `${current.title} - fathom`;
    const text = server === 'ready' ? model || 'model' : states[server];
    this.model.replaceChildren(h('span', { class: `dot ${server}`, 'aria-hidden': 'true' }), h('span', {}, text));
    this.model.title = `Server: ${states[server]}`;
  }

  private save(): void {
    const { current } = this.app;
    const name = current.title.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-+|-+$/g, '').slice(0, 60) || 'conversation';
    download(`${name}.md`, 'text/markdown', exportMarkdown(current.title, activePath(current)));
  }
}

/** What an empty conversation shows. */
export function emptyView(prompts: readonly string[], use: (text: string) => void): HTMLElement {
  return h('div', { class: 'empty' },
    h('span', { class: 'brand-mark large', 'aria-hidden': 'true' }),
    h('h2', {}, 'What would you like to know?'),
    h('div', { class: 'suggestions' }, ...prompts.map((text) =>
      h('button', { type: 'button', class: 'suggestion', on: { click: () => use(text) } }, text, icon('right')))));
}
