// SPDX-License-Identifier: MIT
// The banner above the composer (what to do when the server is away) and short messages that pass.
import type { App } from '../app';
import { h, icon, iconButton } from '../dom';

export class Banner {
  readonly element = h('div', { class: 'banner', role: 'status', hidden: true });

  constructor(private readonly app: App, private readonly enterKey: () => void) {
    app.listen((change) => {
      if (change.what === 'server') this.draw();
    });
  }

  private draw(): void {
    const content = this.content();
    this.element.hidden = content === undefined;
    this.element.replaceChildren(...(content ? [icon('alert'), ...content] : []));
  }

  private content(): Node[] | undefined {
    const retry = h('button', { type: 'button', class: 'button', on: { click: () => void this.app.connect() } }, 'Try now');
    switch (this.app.server) {
      case 'unreachable':
        return [h('p', {}, h('strong', {}, 'The server cannot be reached. '), 'Start it with ', h('code', {}, 'fathom serve'),
          '; this page connects by itself. Your conversations stay readable.'), retry];
      case 'loading':
        return [h('p', {}, h('strong', {}, 'The server is not ready yet. '), 'It may be loading the model; this page goes on by itself.'), retry];
      case 'key':
        return [h('p', {}, h('strong', {}, this.app.hasKey() ? 'The server does not accept this key. ' : 'The server wants an API key. '),
          'Whoever runs it can give you one.'),
          h('button', { type: 'button', class: 'button primary', on: { click: this.enterKey } }, 'Enter key')];
      case 'connecting':
      case 'ready':
        return undefined;
    }
  }
}

const shownMs = 8000;

export class Toasts {
  readonly element = h('div', { class: 'toasts', role: 'status' });

  show(text: string, action?: { label: string; run: () => void }): void {
    const toast = h('div', { class: 'toast' }, h('span', {}, text));
    const remove = () => toast.remove();
    if (action) {
      toast.append(h('button', { type: 'button', class: 'button', on: { click: () => { remove(); action.run(); } } }, action.label));
    }
    toast.append(iconButton('close', 'Dismiss', remove));
    this.element.append(toast);
    setTimeout(remove, shownMs);
  }
}
