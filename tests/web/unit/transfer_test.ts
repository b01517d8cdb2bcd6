// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import test from 'node:test';
import { exportJson, exportMarkdown, importJson } from '../../../web/src/transfer';
import { assistant, conversation, user } from './conversations';

const full = () => conversation([
  { ...user('u1', null, 'q'), attachments: [{ name: 'a.txt', text: 'x' }] },
  assistant('a1', 'u1', 'r', {
    reasoning: 't', toolCalls: [{ id: 'call_1', name: 'f', arguments: '{}' }],
    figures: { waitMs: 1, thinkingMs: 2, totalMs: 3, tokensPerSecond: 4, contextLength: 5, usage: { promptTokens: 6, cachedTokens: 5, completionTokens: 4, reasoningTokens: 3 } },
  }),
  { id: 't1', parent: 'a1', createdAt: 1, role: 'tool', callId: 'call_1', name: 'f', text: '4' },
], { selected: { root: 'u1', u1: 'a1' }, options: { system: 's', effort: 'max', sampling: { temperature: 0.5, seed: -1 }, tools: '[]' } });

function imported(change: (file: any) => void) {
  const file = JSON.parse(exportJson([full()]));
  change(file);
  return importJson(JSON.stringify(file));
}

test('what is exported comes back the same', () => {
  assert.deepEqual(importJson(exportJson([full(), conversation([], { id: 'c2' })])), { conversations: [full(), conversation([], { id: 'c2' })] });
});

test('what is wrong is named by its place', () => {
  const cases: [string, (file: any) => void][] = [
    ['file', (file) => { file.version = 2; }],
    ['conversations: expected a list', (file) => { file.conversations = {}; }],
    ['conversations[0].id', (file) => { file.conversations[0].id = '../x'; }],
    ['conversations[0].nodes[1].role', (file) => { file.conversations[0].nodes[1].role = 'system'; }],
    ['conversations[0].nodes[1].parent: expected an earlier message', (file) => { file.conversations[0].nodes[1].parent = 't1'; }],
    ['conversations[0].nodes[0].parent', (file) => { file.conversations[0].nodes[0].parent = 'u1'; }],
    ['conversations[0].nodes[1].id: expected one that is not taken', (file) => { file.conversations[0].nodes[1].id = 'u1'; }],
    ['conversations[0].nodes[0].text', (file) => { file.conversations[0].nodes[0].text = { toString: 1 }; }],
    ['conversations[0].nodes[0].attachments[0].name', (file) => { file.conversations[0].nodes[0].attachments[0].name = 7; }],
  ];
  for (const [expected, change] of cases) {
    const result = imported(change);
    assert.ok('problem' in result && result.problem.startsWith(expected), `${expected}: ${JSON.stringify(result)}`);
  }
  assert.deepEqual(importJson('nonsense'), { problem: 'The file is not JSON.' });
});

test('odd values of small fields fall back', () => {
  const result = imported((file) => {
    const [c] = file.conversations;
    c.extra = 1;
    c.options = { effort: 'huge', sampling: { temperature: 99, top_p: 0.5, __proto__: { x: 1 } }, system: 3 };
    c.selected = { u1: 'nobody', nobody: 'a1', root: 'u1' };
    c.nodes[1].finish = 'running';
    c.nodes[1].figures = { waitMs: 'x', usage: { promptTokens: -1 } };
  });
  assert.ok('conversations' in result);
  const [c] = result.conversations;
  assert.deepEqual(c!.options, { system: '', effort: 'high', sampling: { top_p: 0.5 }, tools: '' });
  assert.deepEqual(c!.selected, { root: 'u1' });
  const reply = c!.nodes[1]!;
  assert.ok(reply.role === 'assistant' && reply.finish === 'stopped');
  assert.deepEqual(reply.figures, { usage: { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 } });
  assert.equal('extra' in c!, false);
});

test('Markdown holds the path that is shown', () => {
  const text = exportMarkdown('Title', full().nodes);
  assert.equal(text, '# Title\n\n## You\n\n*Attached: a.txt*\n\nq\n\n## Model\n\nr\n\nCalls `f` with `{}`\n\n## Result of f\n\n4\n');
});
