// SPDX-License-Identifier: MIT
// Conversations for tests, short to write.
import { defaultOptions } from '../../../web/src/options';
import type { AssistantNode, Conversation, MessageNode, UserNode } from '../../../web/src/types';

export function user(id: string, parent: string | null, text: string): UserNode {
  return { id, parent, createdAt: 1, role: 'user', text, attachments: [] };
}

export function assistant(id: string, parent: string, text: string, more: Partial<AssistantNode> = {}): AssistantNode {
  return {
    id, parent, createdAt: 1, role: 'assistant', text, reasoning: '', toolCalls: [], finish: 'stop', model: 'm', effort: 'high', figures: {}, ...more,
  };
}

export function conversation(nodes: MessageNode[], more: Partial<Conversation> = {}): Conversation {
  return {
    id: 'c1', title: 'Title', createdAt: 1, updatedAt: 2, nodes, selected: {}, options: { ...defaultOptions, sampling: {} }, ...more,
  };
}
