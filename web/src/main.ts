// SPDX-License-Identifier: MIT
// Puts the page together: views around one App, keys, files dropped anywhere, work offline.
import { App } from './app';
import { announce, h } from './dom';
import { copyFormulasAsTex } from './formula';
import { applyTheme, loadTheme } from './preferences';
import { Composer } from './view/composer';
import { openKeyboardDialog, openKeyDialog } from './view/dialogs';
import { emptyView, Header } from './view/header';
import { MessageList } from './view/message_list';
import { Banner, Toasts } from './view/notices';
import { openOptionsDialog } from './view/options_dialog';
import { openSettingsDialog } from './view/settings_dialog';
import { Sidebar } from './view/sidebar';

const suggestions = ['What is the capital of France?', 'Tell me a short story about a boat.', 'What is 17 + 25?'];

const app = new App();
const toasts = new Toasts();
const tell = (text: string) => toasts.show(text);
const enterKey = () => openKeyDialog(app);

const setDrawer = (open: boolean) => document.body.classList.toggle('drawer-open', open);
const isPhone = matchMedia('(max-width: 50rem)');
const toggleSidebar = () => {
  if (isPhone.matches) setDrawer(!document.body.classList.contains('drawer-open'));
  else document.body.classList.toggle('sidebar-hidden');
};

const sidebar = new Sidebar(app, {
  settings: () => openSettingsDialog(app, tell),
  close: () => setDrawer(false),
  opened: () => {
    setDrawer(false);
    composer.area.focus();
  },
});
const composer: Composer = new Composer(app, { editLast: () => messages.editLast(), problem: tell });
const empty = emptyView(suggestions, (text) => app.send(text, []));
const messages = new MessageList(app, enterKey, empty);
const header = new Header(app, {
  menu: toggleSidebar,
  options: () => openOptionsDialog(app),
  remove: () => {
    const removed = app.remove(app.current.id);
    if (removed) toasts.show('Conversation deleted.', { label: 'Undo', run: () => { app.add([removed]); app.open(removed.id); } });
  },
});
const banner = new Banner(app, enterKey);

document.body.append(
  sidebar.element,
  h('div', { class: 'scrim', on: { click: () => setDrawer(false) } }),
  h('main', {}, header.element, messages.element, banner.element, composer.element),
  toasts.element,
  h('div', { id: 'announcer', class: 'off-screen', role: 'status', 'aria-live': 'polite' }));
applyTheme(loadTheme());

app.listen((change) => {
  if (change.what !== 'message' || change.conversation !== app.current.id || !change.ended) return;
  announce(change.node.finish === 'error' ? 'The reply failed' : 'Reply complete');
});

function typesText(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select');
}

document.addEventListener('keydown', (event) => {
  if (event.isComposing || document.querySelector('dialog[open]')) return;
  const command = event.ctrlKey || event.metaKey;
  if (event.key === 'Escape') {
    if (app.isRunning()) app.stop();
    else setDrawer(false);
  } else if (command && event.key.toLowerCase() === 'k') {
    if (isPhone.matches) setDrawer(true);
    else document.body.classList.remove('sidebar-hidden');
    sidebar.focusSearch();
  } else if (event.altKey && event.code === 'KeyN') {
    app.startNew();
    composer.area.focus();
  } else if (!typesText(event.target) && !command && event.key === '/') {
    composer.area.focus();
  } else if (!typesText(event.target) && !command && event.key === '?') {
    openKeyboardDialog();
  } else {
    return;
  }
  event.preventDefault();
});

document.addEventListener('copy', copyFormulasAsTex);
document.addEventListener('dragover', (event) => {
  if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
});
document.addEventListener('drop', (event) => {
  if (!event.dataTransfer?.files.length) return;
  event.preventDefault();
  void composer.attach(event.dataTransfer.files);
});
addEventListener('pagehide', () => app.leave());
addEventListener('online', () => void app.connect());
document.addEventListener('visibilitychange', () => {
  if (document.hidden) app.storeRunning();
  if (!document.hidden && app.server !== 'ready') void app.connect();
});

/** The page's own files, kept so that it opens while the server is away. The only script address ever made from text. */
function workOffline(): void {
  if (!('serviceWorker' in navigator)) return;
  const address = '/worker.js';
  const policy = window.trustedTypes?.createPolicy('fathom', {
    createScriptURL: (url) => {
      if (url !== address) throw new TypeError('not a script of this page');
      return url;
    },
  });
  const url = (policy?.createScriptURL(address) ?? address) as string;
  navigator.serviceWorker.register(url).catch(() => undefined);
}

// On a phone that would open the keyboard.
if (!isPhone.matches) composer.area.focus();
workOffline();
void app.start();
