// SPDX-License-Identifier: MIT
// Dialogs: a frame that all share, the key, and the keyboard.
import type { App } from '../app';
import { h, iconButton } from '../dom';

/** A modal dialog with a title and a close button; it leaves the page when it is closed. */
export function openDialog(title: string, className: string, ...content: Node[]): HTMLDialogElement {
  const dialog: HTMLDialogElement = h('dialog', { class: className, 'aria-label': title },
    h('div', { class: 'dialog-head' }, h('h2', {}, title), iconButton('close', 'Close', () => dialog.close())), ...content);
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export function openKeyDialog(app: App): void {
  const field = h('input', { type: 'password', autocomplete: 'off', id: 'api-key', required: true, spellcheck: 'false' });
  const keep = h('input', { type: 'checkbox', id: 'keep-key' });
  const form = h('form', { class: 'dialog-form' },
    h('label', { for: 'api-key' }, 'Key for this server'), field,
    h('label', { class: 'check', for: 'keep-key' }, keep, h('span', {}, 'Keep it in this browser')),
    h('p', { class: 'hint' }, 'The key is sent to this server only. Without the tick it is forgotten when the page is closed.'),
    h('div', { class: 'dialog-actions' },
      app.hasKey() && h('button', { type: 'button', class: 'button', on: { click: () => finish('') } }, 'Forget key'),
      h('button', { type: 'submit', class: 'button primary' }, 'Use key')));
  const dialog = openDialog('API key', 'small', form);
  const finish = (key: string) => {
    dialog.close();
    void app.useKey(key, keep.checked);
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (field.value.trim() !== '') finish(field.value.trim());
  });
  field.focus();
}

const keys: readonly (readonly [string, string])[] = [
  ['Enter', 'Send the message'],
  ['Shift + Enter', 'New line'],
  ['Esc', 'Stop the reply'],
  ['↑ in an empty field', 'Edit your last message'],
  ['Ctrl or ⌘ + K', 'Search conversations'],
  ['Alt + N', 'New conversation'],
  ['/', 'Go to the message field'],
  ['?', 'Show these keys'],
];

export function openKeyboardDialog(): void {
  openDialog('Keyboard', 'small',
    h('dl', { class: 'keys' }, ...keys.flatMap(([key, does]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, does)])));
}
