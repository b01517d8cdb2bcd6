// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import test from 'node:test';
import { SseParser } from '../../../web/src/sse';

const stream = ': keep-alive\n\ndata: {"a":1}\n\nevent: x\ndata: one\r\ndata: two\r\n\r\ndata:tight\r\rid: 7\n\ndata\n\ndata: [DONE]\n\n';
const events = ['{"a":1}', 'one\ntwo', 'tight', '', '[DONE]'];

test('events are the same however the stream is cut', () => {
  for (let size = 1; size <= stream.length; ++size) {
    const parser = new SseParser();
    const found: string[] = [];
    for (let at = 0; at < stream.length; at += size) found.push(...parser.push(stream.slice(at, at + size)));
    assert.deepEqual(found, events, `pieces of ${size}`);
  }
});

test('an event without its empty line is not given out', () => {
  assert.deepEqual(new SseParser().push('data: half\n'), []);
});
