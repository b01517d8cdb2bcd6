// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import test from 'node:test';
import { activePath, addNode, pathTo, placeOf, removeLeaf, selectNode, titleFrom } from '../../../web/src/tree';
import { assistant, conversation, user } from './conversations';

const forked = () => conversation([
  user('u1', null, 'q'), assistant('a1', 'u1', 'r1'), user('u2', 'a1', 'next'), assistant('a2', 'u1', 'r2'), user('u3', null, 'edited'),
]);
const ids = (nodes: { id: string }[]) => nodes.map((node) => node.id);

test('the newest branch is shown unless another was selected', () => {
  const c = forked();
  assert.deepEqual(ids(activePath(c)), ['u3']);
  selectNode(c, 'u1');
  assert.deepEqual(ids(activePath(c)), ['u1', 'a2']);
  selectNode(c, 'a1');
  assert.deepEqual(ids(activePath(c)), ['u1', 'a1', 'u2']);
});

test('a new message is shown and has a place among its alternatives', () => {
  const c = forked();
  const third = assistant('a3', 'u1', 'r3');
  selectNode(c, 'u1');
  addNode(c, third);
  assert.deepEqual(ids(activePath(c)), ['u1', 'a3']);
  assert.equal(placeOf(c, third).index, 2);
  assert.deepEqual(ids(placeOf(c, third).siblings), ['a1', 'a2', 'a3']);
});

test('the path to a message does not depend on what is selected', () => {
  assert.deepEqual(ids(pathTo(forked(), 'u2')), ['u1', 'a1', 'u2']);
  assert.deepEqual(pathTo(forked(), 'nobody'), []);
});

test('only a message that nothing follows can be taken out', () => {
  const c = forked();
  removeLeaf(c, 'a1');
  assert.equal(c.nodes.length, 5);
  selectNode(c, 'u3');
  removeLeaf(c, 'u3');
  assert.deepEqual(ids(activePath(c)), ['u1', 'a2']);
});

test('titles are one line and end at a word', () => {
  assert.equal(titleFrom('  What is\tit?\nMore text'), 'What is it?');
  assert.equal(titleFrom(''), '');
  const long = titleFrom('word '.repeat(30));
  assert.equal(long, `${'word '.repeat(11)}word…`);
  assert.equal(Array.from(titleFrom('🐟'.repeat(100))).length, 61);
});
