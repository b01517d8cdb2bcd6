// SPDX-License-Identifier: MIT
// How a reply failed, in words that say what to do next.
import { h, icon } from '../dom';
import type { ErrorKind, ReplyError } from '../types';

export interface ErrorActions {
  retry: () => void;
  enterKey: () => void;
  startNew: () => void;
}

const titles: Record<ErrorKind, string> = {
  unreachable: 'The server cannot be reached',
  key: 'The server wants an API key',
  busy: 'The server is busy',
  context: 'The conversation no longer fits',
  unavailable: 'The server takes no requests right now',
  broken: 'The reply broke off',
  refused: 'The server refused the request',
};

function explanation(error: ReplyError): (Node | string)[] {
  switch (error.kind) {
    case 'unreachable':
      return ['Start it with ', h('code', {}, 'fathom serve'), ', then try again. Your message is kept.'];
    case 'context':
      return [`${error.message} Start a new conversation, or edit an earlier message to go on from there.`];
    case 'unavailable':
      return [`${error.message} It may still be loading, or be about to stop.`];
    default:
      return [error.message];
  }
}

/** A button that can be pressed when the time the server asked for is over. */
function retryButton(error: ReplyError, until: number, retry: () => void): HTMLButtonElement {
  const button = h('button', { type: 'button', class: 'button', on: { click: retry } }, 'Try again');
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `Try again in ${left} s` : 'Try again';
    if (left > 0) setTimeout(tick, 250);
  };
  if (error.retryAfter) tick();
  return button;
}

export function errorCard(error: ReplyError, failedAt: number, actions: ErrorActions): HTMLElement {
  const until = failedAt + (error.retryAfter ?? 0) * 1000;
  return h('div', { class: 'card error-card', role: 'alert' },
    icon('alert'),
    h('div', {},
      h('p', { class: 'card-title' }, titles[error.kind]),
      h('p', {}, ...explanation(error)),
      h('div', { class: 'card-actions' },
        error.kind === 'key' && h('button', { type: 'button', class: 'button primary', on: { click: actions.enterKey } }, 'Enter key'),
        error.kind === 'context'
          ? h('button', { type: 'button', class: 'button primary', on: { click: actions.startNew } }, 'New conversation')
          : retryButton(error, until, actions.retry))));
}
