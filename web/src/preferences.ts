// SPDX-License-Identifier: MIT
// Small things remembered in localStorage: theme, options for new conversations, and the key when the user asks for it.
import { defaultOptions } from './options';
import type { Options } from './types';

export type Theme = 'auto' | 'light' | 'dark';

function read(name: string): string | null {
  try {
    return localStorage.getItem(`fathom.${name}`);
  } catch {
    return null;
  }
}

function write(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`fathom.${name}`);
    else localStorage.setItem(`fathom.${name}`, value);
  } catch {
    // Storage is refused or full: the choice holds for this page only.
  }
}

export function loadTheme(): Theme {
  const stored = read('theme');
  return stored === 'light' || stored === 'dark' ? stored : 'auto';
}

export function saveTheme(theme: Theme): void {
  write('theme', theme === 'auto' ? null : theme);
}

export function applyTheme(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function loadKey(): string {
  return read('key') ?? '';
}

/** An empty key forgets the one that was kept. */
export function keepKey(key: string): void {
  write('key', key === '' ? null : key);
}

export function loadOptions(): Options {
  try {
    const stored = JSON.parse(read('options') ?? '{}') as Partial<Options>;
    return { ...defaultOptions, ...stored, sampling: { ...stored.sampling } };
  } catch {
    return { ...defaultOptions, sampling: {} };
  }
}

export function saveOptions(options: Options): void {
  write('options', JSON.stringify(options));
}

export function loadLastConversation(): string {
  return read('last') ?? '';
}

export function saveLastConversation(id: string): void {
  write('last', id);
}
