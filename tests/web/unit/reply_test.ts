// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import test from 'node:test';
import { applyChunk, StreamError, type ReplyClock } from '../../../web/src/reply';
import { assistant } from './conversations';

const delta = (value: object, finish: string | null = null) => ({ choices: [{ index: 0, delta: value, finish_reason: finish }], usage: null });

function read(chunks: [number, unknown][]) {
  const node = assistant('a', 'u', '', { finish: 'running' });
  const clock: ReplyClock = { startedAt: 0 };
  for (const [at, chunk] of chunks) applyChunk(node, clock, chunk, at);
  return node;
}

test('joined deltas are the message', () => {
  const node = read([
    [100, delta({ role: 'assistant', content: null, reasoning_content: '' })],
    [200, delta({ reasoning_content: 'Let me ' })],
    [900, delta({ reasoning_content: 'think.' })],
    [1200, delta({ content: 'Yes' })],
    [1300, delta({ content: '.' })],
    [1400, delta({}, 'stop')],
  ]);
  assert.equal(node.reasoning, 'Let me think.');
  assert.equal(node.text, 'Yes.');
  assert.equal(node.finish, 'stop');
  assert.equal(node.figures.thinkingMs, 1000);
  assert.equal(node.figures.waitMs, 200);
});

test('tool calls come together by index', () => {
  const call = (index: number, value: object) => delta({ tool_calls: [{ index, ...value }] });
  const node = read([
    [1, call(0, { id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } })],
    [2, call(0, { function: { arguments: '{"a"' } })],
    [3, call(0, { function: { arguments: ': 1}' } })],
    [4, call(1, { id: 'call_2', type: 'function', function: { name: 'g', arguments: '{}' } })],
    [5, delta({}, 'tool_calls')],
  ]);
  assert.deepEqual(node.toolCalls, [{ id: 'call_1', name: 'f', arguments: '{"a": 1}' }, { id: 'call_2', name: 'g', arguments: '{}' }]);
  assert.equal(node.finish, 'tool_calls');
});

test("the server's speed wins over the browser's", () => {
  const usage = { prompt_tokens: 100, completion_tokens: 11, prompt_tokens_details: { cached_tokens: 64 }, completion_tokens_details: { reasoning_tokens: 4 } };
  const text: [number, unknown][] = [[1000, delta({ content: 'a' })], [2000, delta({ content: 'b' })]];
  const measured = read([...text, [2100, { choices: [], usage, timings: { decode_tokens_per_s: 40 } }]]);
  assert.equal(measured.figures.tokensPerSecond, 40);
  assert.deepEqual(measured.figures.usage, { promptTokens: 100, cachedTokens: 64, completionTokens: 11, reasoningTokens: 4 });
  assert.equal(read([...text, [2100, { choices: [], usage }]]).figures.tokensPerSecond, 10);
});

test('an error in the stream is thrown with its message and code', () => {
  assert.throws(() => read([[1, { error: { message: 'draining', code: 'draining' } }]]),
    (error) => error instanceof StreamError && error.message === 'draining' && error.code === 'draining');
});

test('nonsense changes nothing', () => {
  const odd: unknown[] = [
    null, 7, 'x', [], {}, { choices: 3 }, { choices: [null] }, { choices: [{ delta: 5 }] }, { choices: [{ delta: { content: 7 } }] },
    { choices: [{ delta: { tool_calls: [{ index: 1e9 }, { index: -1 }, null, { index: 0.5 }] } }] }, { choices: [], usage: 'many' },
  ];
  const node = read(odd.map((chunk) => [1, chunk]));
  assert.equal(node.text + node.reasoning, '');
  assert.deepEqual(node.toolCalls, []);
  assert.equal(node.figures.usage, undefined);
});
