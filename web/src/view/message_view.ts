// SPDX-License-Identifier: MIT
// What the views of single messages share.
import type { App } from '../app';
import { h, iconButton } from '../dom';
import { placeOf } from '../tree';
import type { MessageNode } from '../types';

export interface MessageView {
  readonly element: HTMLElement;
  /** Draws the message as it is now; `last` says that nothing follows it. */
  update(last: boolean): void;
}

/** "‹ 2 / 3 ›" between the alternatives of a message; nothing when there is only one. */
export function branchSwitch(app: App, node: MessageNode): HTMLElement | undefined {
  const { index, siblings } = placeOf(app.current, node);
  if (siblings.length < 2) return undefined;
  const step = (by: number) => {
    const target = siblings[index + by];
    if (target && !app.isRunning()) app.select(target);
  };
  const previous = iconButton('left', 'Previous version', () => step(-1));
  const next = iconButton('right', 'Next version', () => step(1));
  previous.disabled = index === 0 || app.isRunning();
  next.disabled = index === siblings.length - 1 || app.isRunning();
  const label = `Version ${index + 1} of ${siblings.length}`;
  return h('div', { class: 'branches', role: 'group', 'aria-label': label },
    previous, h('span', { 'aria-hidden': 'true' }, `${index + 1} / ${siblings.length}`), next);
}
