// SPDX-License-Identifier: MIT
// Where a message is written: text, files, the thinking switch, send or stop.
import type { App } from '../app';
import { readText } from '../attachments';
import { h, icon, iconButton } from '../dom';
import { efforts } from '../options';
import type { Attachment, Effort } from '../types';

const effortLabels: Record<Effort, string> = { none: 'None', high: 'High', max: 'Max' };
const effortTitles: Record<Effort, string> = {
  none: 'Answer at once',
  high: 'Think before answering',
  max: 'Think as long as it takes',
};

export class Composer {
  readonly element: HTMLElement;
  readonly area: HTMLTextAreaElement;
  private readonly chips = h('ul', { class: 'chips', 'aria-label': 'Attached files', hidden: true });
  private readonly picker = h('input', { type: 'file', multiple: true, hidden: true, 'aria-hidden': 'true', tabindex: '-1' });
  private readonly action = h('button', { type: 'submit', class: 'send-button' });
  private readonly radios = new Map<Effort, HTMLInputElement>();
  private attachments: Attachment[] = [];

  constructor(private readonly app: App, private readonly actions: { editLast: () => void; problem: (text: string) => void }) {
    this.area = h('textarea', { rows: 1, placeholder: 'Message', 'aria-label': 'Message', autocomplete: 'off', 'data-autofocus': true });
    const form = h('form', { class: 'composer' }, this.chips, this.area,
      h('div', { class: 'composer-row' },
        iconButton('clip', 'Attach text files', () => this.picker.click()), this.picker, this.effortSwitch(),
        h('span', { class: 'spring' }), this.action));
    this.element = h('div', { class: 'composer-frame' }, form);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (app.isRunning()) app.stop();
      else this.send();
    });
    this.area.addEventListener('keydown', (event) => this.key(event));
    this.area.addEventListener('input', () => this.resize());
    this.area.addEventListener('paste', (event) => {
      if (event.clipboardData?.files.length) {
        event.preventDefault();
        void this.attach(event.clipboardData.files);
      }
    });
    this.picker.addEventListener('change', () => {
      void this.attach(this.picker.files ?? []).then(() => { this.picker.value = ''; });
    });
    app.listen((change) => {
      if (change.what !== 'server') this.draw();
    });
    this.draw();
  }

  async attach(files: Iterable<File>): Promise<void> {
    for (const file of files) {
      const read = readText(file.name, new Uint8Array(await file.arrayBuffer()));
      if ('problem' in read) this.actions.problem(read.problem);
      else this.attachments.push(read.attachment);
    }
    this.drawChips();
    this.area.focus();
  }

  private send(): void {
    const text = this.area.value.trim();
    if ((text === '' && this.attachments.length === 0) || this.app.isRunning()) return;
    const attachments = this.attachments;
    this.attachments = [];
    this.area.value = '';
    this.app.send(text, attachments);
    this.drawChips();
    this.resize();
    this.area.focus();
  }

  private key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      this.send();
    } else if (event.key === 'ArrowUp' && this.area.value === '') {
      event.preventDefault();
      this.actions.editLast();
    }
  }

  private effortSwitch(): HTMLElement {
    const labels = efforts.map((effort) => {
      const radio = h('input', { type: 'radio', name: 'effort', value: effort, on: { change: () => this.app.setOptions({ effort }) } });
      this.radios.set(effort, radio);
      return h('label', { title: effortTitles[effort] }, radio, h('span', {}, effortLabels[effort]));
    });
    return h('fieldset', { class: 'effort' }, h('legend', {}, 'Thinking'), h('span', { class: 'effort-name', 'aria-hidden': 'true' }, icon('bulb'), h('span', {}, 'Thinking')), ...labels);
  }

  private draw(): void {
    const running = this.app.isRunning();
    if (this.action.dataset.state !== String(running)) {
      this.action.dataset.state = String(running);
      this.action.replaceChildren(icon(running ? 'stop' : 'send'));
      this.action.setAttribute('aria-label', running ? 'Stop the reply' : 'Send');
      this.action.title = running ? 'Stop (Esc)' : 'Send (Enter)';
    }
    const radio = this.radios.get(this.app.current.options.effort);
    if (radio) radio.checked = true;
  }

  private drawChips(): void {
    this.chips.hidden = this.attachments.length === 0;
    this.chips.replaceChildren(...this.attachments.map((attachment) =>
      h('li', { class: 'chip' }, icon('file'), h('span', {}, attachment.name),
        iconButton('close', `Remove ${attachment.name}`, () => {
          this.attachments = this.attachments.filter((other) => other !== attachment);
          this.drawChips();
        }))));
  }

  private resize(): void {
    this.area.style.height = 'auto';
    this.area.style.height = `${Math.min(this.area.scrollHeight, Math.round(innerHeight * 0.4))}px`;
  }
}
