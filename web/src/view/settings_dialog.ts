// SPDX-License-Identifier: MIT
// Settings of the page: theme, key, export and import, keyboard.
import type { App } from '../app';
import { download, h } from '../dom';
import { applyTheme, loadTheme, saveTheme, type Theme } from '../preferences';
import { exportJson, importJson } from '../transfer';
import { openDialog, openKeyboardDialog, openKeyDialog } from './dialogs';

const themes: readonly (readonly [Theme, string])[] = [['auto', 'As the system'], ['light', 'Light'], ['dark', 'Dark']];

function themeSwitch(): HTMLElement {
  const choose = (theme: Theme) => () => {
    saveTheme(theme);
    applyTheme(theme);
  };
  return h('fieldset', { class: 'segments' }, h('legend', {}, 'Theme'), ...themes.map(([theme, label]) => {
    const radio = h('input', { type: 'radio', name: 'theme', value: theme, on: { change: choose(theme) } });
    radio.checked = loadTheme() === theme;
    return h('label', {}, radio, h('span', {}, label));
  }));
}

export function openSettingsDialog(app: App, tell: (text: string) => void): void {
  const picker = h('input', { type: 'file', accept: '.json,application/json', hidden: true, 'aria-hidden': 'true', tabindex: '-1' });
  picker.addEventListener('change', async () => {
    const file = picker.files?.[0];
    if (!file) return;
    const read = importJson(await file.text());
    if ('problem' in read) {
      tell(`Nothing was imported. ${read.problem}`);
    } else {
      app.add(read.conversations);
      tell(`Imported ${read.conversations.length} conversation${read.conversations.length === 1 ? '' : 's'}.`);
    }
    dialog.close();
  });
  const exportAll = () => {
    const day = new Date().toISOString().slice(0, 10);
    download(`fathom-${day}.json`, 'application/json', exportJson([...app.conversations.values()]));
  };
  const button = (label: string, click: () => void) => h('button', { type: 'button', class: 'button', on: { click } }, label);
  const then = (open: () => void) => () => {
    dialog.close();
    open();
  };
  const dialog = openDialog('Settings', 'small', h('div', { class: 'dialog-form' },
    themeSwitch(),
    h('div', { class: 'setting' }, h('span', {}, 'Conversations'),
      h('span', { class: 'setting-buttons' }, button('Export', exportAll), button('Import', () => picker.click()), picker)),
    h('div', { class: 'setting' }, h('span', {}, 'API key'), button(app.hasKey() ? 'Change' : 'Enter', then(() => openKeyDialog(app)))),
    h('div', { class: 'setting' }, h('span', {}, 'Keyboard'), button('Show keys', then(openKeyboardDialog))),
    h('p', { class: 'hint' }, app.fleeting
      ? 'This browser refuses storage here: conversations are lost when the page is closed. Export what you want to keep.'
      : 'Conversations stay in this browser. Nothing is sent anywhere but to the server of this page.')));
}
