// SPDX-License-Identifier: MIT
// What the user wrote, with its files; it can be copied and edited, which makes a new branch.
import type { App } from '../app';
import { copyButton, h, icon, iconButton } from '../dom';
import type { Attachment, UserNode } from '../types';
import { branchSwitch, type MessageView } from './message_view';

function attachmentView(attachment: Attachment): HTMLElement {
  return h('details', { class: 'attachment' },
    h('summary', {}, icon('file'), h('span', {}, attachment.name)),
    h('pre', { tabindex: '0', role: 'region', 'aria-label': `Contents of ${attachment.name}` }, attachment.text));
}

export class UserMessageView implements MessageView {
  readonly element = h('article', { class: 'message user', 'aria-label': 'Your message' });

  constructor(private readonly app: App, private readonly node: UserNode) {}

  update(): void {
    const running = this.app.isRunning();
    const edit = iconButton('edit', 'Edit message', () => this.startEditing(), 'edit-button');
    edit.disabled = running;
    this.element.replaceChildren(
      h('div', { class: 'bubble' }, ...this.node.attachments.map(attachmentView), h('div', { class: 'plain-text' }, this.node.text)),
      h('div', { class: 'message-actions' }, branchSwitch(this.app, this.node) ?? null, copyButton('Copy message', () => this.node.text), edit));
  }

  startEditing(): void {
    if (this.app.isRunning()) return;
    const area = h('textarea', { class: 'edit-area', rows: 3, 'aria-label': 'Edit your message' });
    area.value = this.node.text;
    const cancel = () => {
      this.update();
      this.element.querySelector<HTMLElement>('.edit-button')?.focus();
    };
    const send = () => {
      if (area.value.trim() !== '' || this.node.attachments.length > 0) this.app.edit(this.node, area.value.trim());
    };
    area.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') cancel();
      else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) send();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    this.element.replaceChildren(
      h('div', { class: 'editor' }, area,
        h('div', { class: 'editor-actions' },
          h('span', { class: 'hint' }, 'The earlier version stays as a branch.'),
          h('button', { type: 'button', class: 'button', on: { click: cancel } }, 'Cancel'),
          h('button', { type: 'button', class: 'button primary', on: { click: send } }, 'Send'))));
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  }
}
