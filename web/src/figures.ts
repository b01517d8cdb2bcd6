// SPDX-License-Identifier: MIT
// Numbers as people read them.
import type { Figures } from './types';

/** 0.4 s, 12 s, 3 min 20 s. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** 4,210. */
export function formatCount(value: number): string {
  return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

/** 0.7, 38.2, 4,210. */
export function formatSpeed(tokensPerSecond: number): string {
  return tokensPerSecond < 99.95 ? tokensPerSecond.toFixed(1) : formatCount(tokensPerSecond);
}

/** Whole per cent; neither 0 nor 100 unless it is exactly that. */
export function percent(part: number, whole: number): number {
  if (whole <= 0 || part <= 0) return 0;
  if (part >= whole) return 100;
  return Math.min(99, Math.max(1, Math.round((100 * part) / whole)));
}

/** Tokens in the context after the reply, if known. */
export function contextTokens(figures: Figures): number | undefined {
  return figures.usage && figures.usage.promptTokens + figures.usage.completionTokens;
}

/** The reply ended because nothing more fits. */
export function contextIsFull(figures: Figures): boolean {
  const used = contextTokens(figures);
  return used !== undefined && figures.contextLength !== undefined && used >= figures.contextLength - 1;
}

/** "Today", "Yesterday", "Past week", "November 2026": the heading below which a conversation is listed. */
export function dayGroup(time: number, now: number): string {
  const midnight = new Date(now);
  midnight.setHours(0, 0, 0, 0);
  const day = 24 * 3600 * 1000;
  if (time >= midnight.getTime()) return 'Today';
  if (time >= midnight.getTime() - day) return 'Yesterday';
  if (time >= midnight.getTime() - 7 * day) return 'Past week';
  return new Date(time).toLocaleDateString('en', { month: 'long', year: 'numeric' });
}
