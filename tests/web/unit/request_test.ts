// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import test from 'node:test';
import { messageText, readText } from '../../../web/src/attachments';
import { defaultOptions, parseNumber, parseTools, samplingFields } from '../../../web/src/options';
import { requestBody } from '../../../web/src/request';
import { canContinue } from '../../../web/src/tree';
import type { AssistantNode, ToolNode } from '../../../web/src/types';
import { assistant, user } from './conversations';

const messagesOf = (body: Record<string, unknown>) => body.messages as Record<string, unknown>[];

test('a request holds the path, the system prompt and what was chosen', () => {
  const tool: ToolNode = { id: 't', parent: 'a', createdAt: 1, role: 'tool', callId: 'call_1', name: 'f', text: '4' };
  const path = [user('u', null, 'q'), assistant('a', 'u', '', { reasoning: 'r', toolCalls: [{ id: 'call_1', name: 'f', arguments: '{}' }] }), tool];
  const body = requestBody(path, { system: 'Be brief.', effort: 'max', sampling: { temperature: 0, seed: 7 }, tools: '[{"name": "f"}]' }, 'tiny');
  assert.deepEqual(body, {
    model: 'tiny', stream: true, stream_options: { include_usage: true }, timings: true, reasoning_effort: 'max', temperature: 0, seed: 7,
    tools: [{ type: 'function', function: { name: 'f' } }],
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'q' },
      { role: 'assistant', content: '', reasoning_content: 'r', tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: 'call_1', content: '4' },
    ],
  });
});

test('a reply that failed before its first word is left out', () => {
  const body = requestBody([user('u', null, 'q'), assistant('a', 'u', '', { finish: 'error' }), user('u2', 'a', 'again')], defaultOptions, '');
  assert.deepEqual(messagesOf(body).map((message) => message.role), ['user', 'user']);
  assert.equal('model' in body, false);
  assert.equal('tools' in body, false);
});

test('a path that ends in a reply asks for the rest of it', () => {
  const body = requestBody([user('u', null, 'q'), assistant('a', 'u', 'half')], defaultOptions, '');
  assert.deepEqual(messagesOf(body)[1], { role: 'assistant', content: 'half', prefix: true });
});

test('only a reply that was cut and has room can be continued', () => {
  const can = (more: Partial<AssistantNode>) => canContinue(assistant('a', 'u', 'half', more));
  const full = { contextLength: 10, usage: { promptTokens: 5, cachedTokens: 0, completionTokens: 5, reasoningTokens: 0 } };
  assert.deepEqual([can({ finish: 'stopped' }), can({ finish: 'aborted' }), can({ finish: 'length' })], [true, true, true]);
  assert.deepEqual([can({ finish: 'stop' }), can({ finish: 'length', figures: full }), can({ finish: 'stopped', text: '' }), can({ finish: 'error' })], [false, false, false, false]);
});

test('files stand before the text, in a fence longer than any inside', () => {
  const text = messageText({ text: 'Why?', attachments: [{ name: 'a.md', text: 'x\n````\ny' }, { name: 'b.txt', text: '' }] });
  assert.equal(text, 'File a.md:\n`````\nx\n````\ny\n`````\n\nFile b.txt:\n```\n```\n\nWhy?');
});

test('only UTF-8 text up to 1 MiB is attached', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  assert.deepEqual(readText('a', bytes('grün')), { attachment: { name: 'a', text: 'grün' } });
  assert.ok('problem' in readText('a', new Uint8Array([0x66, 0xff])));
  assert.ok('problem' in readText('a', bytes('a\0b')));
  assert.ok('attachment' in readText('a', new Uint8Array(1 << 20).fill(0x61)));
  assert.ok('problem' in readText('a', new Uint8Array((1 << 20) + 1).fill(0x61)));
});

test('numbers are held to their ranges', () => {
  const field = (key: string) => samplingFields.find((candidate) => candidate.key === key)!;
  const accepted: [string, string, number | undefined][] = [
    ['temperature', '0', 0], ['temperature', ' 0,7 ', 0.7], ['temperature', '2', 2], ['temperature', '', undefined], ['top_p', '1', 1],
    ['top_k', '40', 40], ['seed', '-3', -3], ['max_tokens', '2147483647', 2147483647], ['min_p', '.05', 0.05],
  ];
  for (const [key, typed, value] of accepted) assert.deepEqual(parseNumber(field(key), typed), { value }, `${key} ${typed}`);
  const refused: [string, string][] = [
    ['temperature', '2.1'], ['temperature', '-0.1'], ['temperature', 'warm'], ['temperature', '1e1'], ['top_p', '0'], ['top_k', '1.5'], ['max_tokens', '0'],
    ['max_tokens', '2147483648'], ['seed', '1.5'], ['repetition_penalty', '0'], ['temperature', 'Infinity'],
  ];
  for (const [key, typed] of refused) assert.ok(parseNumber(field(key), typed).problem, `${key} ${typed}`);
});

test('tools are understood whole or as functions alone', () => {
  const whole = { type: 'function', function: { name: 'f', parameters: {} } };
  assert.deepEqual(parseTools(JSON.stringify([whole, { name: 'g' }])), { value: [whole, { type: 'function', function: { name: 'g' } }] });
  assert.deepEqual(parseTools('  '), { value: [] });
  for (const typed of ['{', '7', '[{"name": "a b"}]', '[null]', '[{"type": "function", "function": null}]', '[{"type": "function"}]']) {
    assert.ok(parseTools(typed).problem, typed);
  }
});
