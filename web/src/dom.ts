// SPDX-License-Identifier: MIT
// Elements without a framework: h('button', {class: 'x', on: {click}}, 'Text', child).

export type Child = Node | string | null | undefined | false;

export interface Props {
  [attribute: string]: string | number | boolean | undefined | Record<string, (event: never) => void>;
  on?: Record<string, (event: never) => void>;
}

/** An element. Attributes that are false or undefined are left out, true is written as an empty one. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'object') {
      for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler as EventListener);
    } else if (value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const svgNamespace = 'http://www.w3.org/2000/svg';

// Lines on a 24 x 24 grid, drawn with a stroke of 1.75.
const shapes = {
  alert: 'M12 8v5M12 16.5v.01M12 3 2.5 20h19z',
  bulb: 'M9 18h6M10 21h4M8.5 15C6.5 13.7 5.5 12 5.5 9.5a6.5 6.5 0 0 1 13 0c0 2.5-1 4.2-3 5.5z',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  chevron: 'm9 6 6 6-6 6',
  close: 'M6 6l12 12M18 6 6 18',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  down: 'M12 5v14M6 13l6 6 6-6',
  download: 'M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14',
  edit: 'M4 20l1-4L16.5 4.5l3 3L8 19zM14.5 6.5l3 3',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4',
  gear: 'M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v2.5M12 18.5V21M3 12h2.5M18.5 12H21M5.6 5.6l1.8 1.8M16.6 16.6l1.8 1.8M5.6 18.4l1.8-1.8M16.6 7.4l1.8-1.8',
  left: 'm14 6-6 6 6 6',
  menu: 'M4 7h16M4 12h16M4 17h16',
  plus: 'M12 5v14M5 12h14',
  refresh: 'M19.5 12a7.5 7.5 0 1 1-2.2-5.3L20 9.5M20 4.5v5h-5',
  right: 'm10 6 6 6-6 6',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 20 20',
  send: 'M12 19V5M6 11l6-6 6 6',
  sliders: 'M4 7h9M17 7h3M15 5v4M4 12h3M11 12h9M9 10v4M4 17h9M17 17h3M15 15v4',
  stop: 'M7 7h10v10H7z',
  tool: 'M14.5 6.5a4 4 0 0 1 5-1l-3 3 .5 1.5 1.5.5 3-3a4 4 0 0 1-6 4.8L8 19.5A2 2 0 0 1 4.5 16L12 9a4 4 0 0 1 2.5-2.5z',
  clip: 'M19 11.5l-7.5 7.5a4.5 4.5 0 0 1-6.4-6.4L13 4.8a3 3 0 0 1 4.3 4.3l-7.6 7.5a1.5 1.5 0 0 1-2.1-2.1L14.5 7.5',
  trash: 'M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5',
  upload: 'M12 16V5M7.5 9 12 4.5 16.5 9M5 20h14',
} as const;

export type IconName = keyof typeof shapes;

export function icon(name: IconName): SVGElement {
  const svg = document.createElementNS(svgNamespace, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', `icon icon-${name}`);
  const path = document.createElementNS(svgNamespace, 'path');
  path.setAttribute('d', shapes[name]);
  svg.append(path);
  return svg;
}

/** A button that shows an icon and is named by its label. */
export function iconButton(name: IconName, label: string, click: (event: MouseEvent) => void, extra = ''): HTMLButtonElement {
  return h('button', { type: 'button', class: `icon-button ${extra}`.trim(), 'aria-label': label, title: label, on: { click } }, icon(name));
}

/** Puts text on the clipboard; where the browser has no clipboard for us (plain http), by way of a selection. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h('textarea', { class: 'off-screen', 'aria-hidden': 'true' });
    area.value = text;
    (document.querySelector('dialog[open]') ?? document.body).append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

/** A copy button that answers with a tick for a moment. */
export function copyButton(label: string, text: () => string, extra = ''): HTMLButtonElement {
  const button = iconButton('copy', label, () => {
    void copyText(text()).then((done) => {
      if (!done) return;
      button.replaceChildren(icon('check'));
      announce('Copied');
      setTimeout(() => button.replaceChildren(icon('copy')), 1500);
    });
  }, extra);
  return button;
}

/** Says something to screen readers without showing it. */
export function announce(text: string): void {
  const region = document.getElementById('announcer');
  if (region) region.textContent = text;
}

/** Gives a file to the user. */
export function download(name: string, type: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
