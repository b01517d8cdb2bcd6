// SPDX-License-Identifier: MIT
// The conversation as a tree: which path is shown, which messages are alternatives of each other.
import { contextIsFull } from './figures';
import { ROOT, type AssistantNode, type Conversation, type MessageNode, type Options } from './types';

/** 24 hex digits. Not randomUUID: browsers offer it on https and localhost only. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function newConversation(options: Options, now: number): Conversation {
  return {
    id: newId(),
    title: '',
    createdAt: now,
    updatedAt: now,
    nodes: [],
    selected: {},
    options: { ...options, sampling: { ...options.sampling } },
  };
}

export function childrenOf(conversation: Conversation, parent: string | null): MessageNode[] {
  return conversation.nodes.filter((node) => node.parent === parent);
}

/** The messages shown, first to last: at each fork the selected child, otherwise the newest. */
export function activePath(conversation: Conversation): MessageNode[] {
  const children = new Map<string | null, MessageNode[]>();
  for (const node of conversation.nodes) {
    const list = children.get(node.parent);
    if (list) list.push(node);
    else children.set(node.parent, [node]);
  }
  const path: MessageNode[] = [];
  let parent: string | null = null;
  for (;;) {
    const list: MessageNode[] = children.get(parent) ?? [];
    const chosen: string | undefined = conversation.selected[parent ?? ROOT];
    const next: MessageNode | undefined = list.find((node) => node.id === chosen) ?? list[list.length - 1];
    if (!next) return path;
    path.push(next);
    parent = next.id;
  }
}

/** From the first message to `id`, whatever is selected. Empty when there is no such message. */
export function pathTo(conversation: Conversation, id: string | null): MessageNode[] {
  const byId = new Map(conversation.nodes.map((node) => [node.id, node]));
  const path: MessageNode[] = [];
  for (let node = id === null ? undefined : byId.get(id); node; node = node.parent === null ? undefined : byId.get(node.parent)) {
    path.push(node);
  }
  return path.reverse();
}

/** Appends a message and shows it. */
export function addNode(conversation: Conversation, node: MessageNode): void {
  conversation.nodes.push(node);
  conversation.selected[node.parent ?? ROOT] = node.id;
}

export function selectNode(conversation: Conversation, id: string): void {
  const node = conversation.nodes.find((candidate) => candidate.id === id);
  if (node) conversation.selected[node.parent ?? ROOT] = id;
}

/** Takes a message out, unless others follow it. */
export function removeLeaf(conversation: Conversation, id: string): void {
  if (childrenOf(conversation, id).length > 0) return;
  conversation.nodes = conversation.nodes.filter((node) => node.id !== id);
  for (const [parent, child] of Object.entries(conversation.selected)) {
    if (child === id) delete conversation.selected[parent];
  }
}

/** Whether the model can write on where this reply ends. */
export function canContinue(node: AssistantNode): boolean {
  const cut = node.finish === 'stopped' || node.finish === 'aborted' || (node.finish === 'length' && !contextIsFull(node.figures));
  return cut && node.text !== '' && node.toolCalls.length === 0;
}

export interface Place {
  index: number;
  siblings: MessageNode[];
}

/** Where a message stands among its alternatives. */
export function placeOf(conversation: Conversation, node: MessageNode): Place {
  const siblings = childrenOf(conversation, node.parent);
  return { index: siblings.findIndex((candidate) => candidate.id === node.id), siblings };
}

/** The first line of what the user asked, cut at a word near 60 characters. */
export function titleFrom(text: string): string {
  const line = text.trim().split('\n', 1)[0]?.replace(/\s+/g, ' ') ?? '';
  const letters = Array.from(line);
  if (letters.length <= 60) return line;
  const cut = letters.slice(0, 60).join('');
  const blank = cut.lastIndexOf(' ');
  return `${blank > 30 ? cut.slice(0, blank) : cut}…`;
}
