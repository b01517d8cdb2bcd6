// SPDX-License-Identifier: MIT
// The numbers below a reply: speed, tokens, share of the prompt that came from the cache, and how full the context is.
import { h } from '../dom';
import { contextTokens, formatCount, formatDuration, formatSpeed, percent } from '../figures';
import type { Figures } from '../types';

function part(text: string, title: string, className = ''): HTMLElement {
  return h('span', { title, class: className }, text);
}

function gauge(used: number, whole: number): HTMLElement {
  const share = percent(used, whole);
  const fill = h('span', { class: 'gauge-fill' });
  fill.style.width = `${share}%`;
  const level = share >= 95 ? 'full' : share >= 80 ? 'high' : 'low';
  const text = `${formatCount(used)} of ${formatCount(whole)} tokens of context used`;
  return h('span', { class: 'context', title: text },
    h('span', { class: `gauge gauge-${level}`, role: 'meter', 'aria-label': 'Context', 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-valuenow': share, 'aria-valuetext': text }, fill),
    h('span', { class: 'context-text' }, `${share}\u202f% of context`));
}

/** Undefined while nothing is known yet. */
export function figuresLine(figures: Figures): HTMLElement | undefined {
  const { usage } = figures;
  const parts: HTMLElement[] = [];
  if (figures.tokensPerSecond !== undefined) {
    parts.push(part(`${formatSpeed(figures.tokensPerSecond)} tokens/s`, 'Speed of writing, without reading the prompt'));
  }
  if (usage) {
    const wait = figures.waitMs === undefined ? '' : `; first one after ${formatDuration(figures.waitMs)}, all after ${formatDuration(figures.totalMs ?? 0)}`;
    const thinking = usage.reasoningTokens > 0 ? `, ${formatCount(usage.reasoningTokens)} of them thinking` : '';
    parts.push(part(`${formatCount(usage.completionTokens)} tokens`, `Written: ${formatCount(usage.completionTokens)} tokens${thinking}${wait}`));
    parts.push(part(`${percent(usage.cachedTokens, usage.promptTokens)}\u202f% cached`,
      `${formatCount(usage.cachedTokens)} of ${formatCount(usage.promptTokens)} prompt tokens came from the cache`));
  }
  const used = contextTokens(figures);
  if (used !== undefined && figures.contextLength) parts.push(gauge(used, figures.contextLength));
  return parts.length === 0 ? undefined : h('div', { class: 'figures' }, ...parts);
}
