// SPDX-License-Identifier: MIT
// Options of a conversation: their ranges (api.md 4), and reading them from what was typed.
import type { Effort, Options, Sampling } from './types';

export const efforts: readonly Effort[] = ['none', 'high', 'max'];

export const defaultOptions: Options = { system: '', effort: 'high', sampling: {}, tools: '' };

export interface NumberField {
  key: keyof Sampling;
  label: string;
  hint: string;
  min: number;
  max: number;
  integer: boolean;
  /** The lowest value is itself not allowed. */
  above?: boolean;
}

export const samplingFields: readonly NumberField[] = [
  { key: 'temperature', label: 'Temperature', hint: '0 always takes the likeliest token', min: 0, max: 2, integer: false },
  { key: 'top_p', label: 'Top-p', hint: 'smallest set with this probability', min: 0, max: 1, integer: false, above: true },
  { key: 'top_k', label: 'Top-k', hint: '0 takes all tokens', min: 0, max: 1_000_000, integer: true },
  { key: 'min_p', label: 'Min-p', hint: 'relative to the likeliest', min: 0, max: 1, integer: false },
  { key: 'repetition_penalty', label: 'Repetition penalty', hint: '1 is none', min: 0, max: 2, integer: false, above: true },
  { key: 'max_tokens', label: 'Longest reply', hint: 'tokens, thinking included', min: 1, max: 2 ** 31 - 1, integer: true },
  { key: 'seed', label: 'Seed', hint: 'the same seed gives the same reply', min: -(2 ** 53) + 1, max: 2 ** 53 - 1, integer: true },
];

export type Parsed<T> = { value: T; problem?: undefined } | { problem: string };

/** The number that was typed; undefined when the field is blank. */
export function parseNumber(field: NumberField, typed: string): Parsed<number | undefined> {
  const trimmed = typed.trim().replace(',', '.');
  if (trimmed === '') return { value: undefined };
  const value = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(trimmed) ? Number(trimmed) : NaN;
  const low = field.above ? value > field.min : value >= field.min;
  if (low && value <= field.max && (!field.integer || Number.isInteger(value))) return { value };
  const kind = field.integer ? 'a whole number' : 'a number';
  if (field.key === 'seed') return { problem: `${field.label}: expected ${kind}` };
  const from = field.above ? `above ${field.min} and up to` : `from ${field.min} to`;
  return { problem: `${field.label}: expected ${kind} ${from} ${field.max}` };
}

const toolName = /^[A-Za-z0-9_.-]{1,128}$/;

function readTool(entry: unknown): Record<string, unknown> | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const outer = entry as Record<string, unknown>;
  const inner = (outer.type === 'function' ? outer.function : outer) as Record<string, unknown> | null | undefined;
  const valid = typeof inner === 'object' && inner !== null && typeof inner.name === 'string' && toolName.test(inner.name);
  return valid ? { type: 'function', function: inner } : undefined;
}

/** Tools as the API takes them; both the whole form and the function alone are understood. */
export function parseTools(typed: string): Parsed<Record<string, unknown>[]> {
  if (typed.trim() === '') return { value: [] };
  let list: unknown;
  try {
    list = JSON.parse(typed);
  } catch (error) {
    return { problem: `Tools: not JSON: ${(error as Error).message}` };
  }
  const tools = (Array.isArray(list) ? list : [list]).map(readTool);
  const bad = tools.findIndex((tool) => tool === undefined);
  if (bad >= 0) return { problem: `Tools: entry ${bad + 1} has no function name made of letters, digits, "_", "." and "-"` };
  if (tools.length > 256) return { problem: 'Tools: expected at most 256 entries' };
  return { value: tools as Record<string, unknown>[] };
}
