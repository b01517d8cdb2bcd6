// SPDX-License-Identifier: MIT
// Puts the chunks of a streamed reply together (api.md 4.3). Whatever a chunk holds, the message stays well formed.
import type { AssistantNode, Finish, Usage } from './types';

/** Points in time of one reply, in milliseconds of one clock. */
export interface ReplyClock {
  startedAt: number;
  firstAt?: number;
  thinkingFrom?: number;
  lastAt?: number;
}

/** An error that came inside a stream, after its begin. */
export class StreamError extends Error {
  constructor(message: string, readonly code: string) {
    super(message);
  }
}

type Fields = Record<string, unknown>;

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0;
}

const finishes: readonly string[] = ['stop', 'length', 'tool_calls', 'aborted'];

function readUsage(value: unknown): Usage | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const usage = value as Fields;
  return {
    promptTokens: count(usage.prompt_tokens),
    cachedTokens: count(fields(usage.prompt_tokens_details).cached_tokens ?? usage.prompt_cache_hit_tokens),
    completionTokens: count(usage.completion_tokens),
    reasoningTokens: count(fields(usage.completion_tokens_details).reasoning_tokens),
  };
}

function applyToolCalls(node: AssistantNode, list: unknown): void {
  for (const entry of Array.isArray(list) ? list : []) {
    const call = fields(entry);
    const index = call.index;
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index > node.toolCalls.length || index >= 256) continue;
    const target = (node.toolCalls[index] ??= { id: '', name: '', arguments: '' });
    const called = fields(call.function);
    target.id ||= text(call.id);
    target.name ||= text(called.name);
    target.arguments += text(called.arguments);
  }
}

function applyDelta(node: AssistantNode, clock: ReplyClock, delta: Fields, now: number): void {
  const reasoning = text(delta.reasoning_content);
  const content = text(delta.content);
  if (reasoning !== '') {
    clock.thinkingFrom ??= now;
    node.reasoning += reasoning;
    node.figures.thinkingMs = now - clock.thinkingFrom;
  }
  if ((content !== '' || delta.tool_calls !== undefined) && clock.thinkingFrom !== undefined && node.text === '' && node.toolCalls.length === 0) {
    node.figures.thinkingMs = now - clock.thinkingFrom;
  }
  node.text += content;
  applyToolCalls(node, delta.tool_calls);
  if (reasoning !== '' || content !== '' || delta.tool_calls !== undefined) {
    clock.firstAt ??= now;
    clock.lastAt = now;
    node.figures.waitMs = clock.firstAt - clock.startedAt;
  }
}

/** Tokens per second: the server's figure, otherwise what the browser saw between the first and the last piece. */
function readSpeed(node: AssistantNode, clock: ReplyClock, chunk: Fields): void {
  const usage = node.figures.usage;
  const measured = count(fields(chunk.timings ?? fields(chunk.usage).timings).decode_tokens_per_s);
  if (measured > 0) {
    node.figures.tokensPerSecond = measured;
  } else if (usage && clock.firstAt !== undefined && clock.lastAt !== undefined && clock.lastAt > clock.firstAt) {
    node.figures.tokensPerSecond = ((usage.completionTokens - 1) * 1000) / (clock.lastAt - clock.firstAt);
  }
}

/** Applies one chunk. Throws StreamError when the server reports an error in the stream. */
export function applyChunk(node: AssistantNode, clock: ReplyClock, value: unknown, now: number): void {
  const chunk = fields(value);
  if (chunk.error !== undefined && chunk.error !== null) {
    const error = fields(chunk.error);
    throw new StreamError(text(error.message) || 'The server reported an error.', text(error.code));
  }
  const choice = fields(Array.isArray(chunk.choices) ? chunk.choices[0] : undefined);
  applyDelta(node, clock, fields(choice.delta), now);
  const finish = text(choice.finish_reason);
  if (finish !== '') node.finish = finishes.includes(finish) ? (finish as Finish) : 'stop';
  const usage = readUsage(chunk.usage);
  if (usage) node.figures.usage = usage;
  if (usage || chunk.timings !== undefined) readSpeed(node, clock, chunk);
}
