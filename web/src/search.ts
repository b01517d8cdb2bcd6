// SPDX-License-Identifier: MIT
// Finds conversations by words in their titles and messages.
import type { Conversation } from './types';

export interface Hit {
  conversation: Conversation;
  /** Text around the first match in a message, in three parts; undefined when only the title matched. */
  snippet: { before: string; match: string; after: string } | undefined;
}

const around = 36;

function snippetOf(text: string, word: string): Hit['snippet'] {
  const at = text.toLowerCase().indexOf(word);
  // Lower case may be longer than the text it came from; then positions mean nothing.
  if (at < 0 || text.length !== text.toLowerCase().length) return undefined;
  const from = Math.max(0, at - around);
  const to = Math.min(text.length, at + word.length + around);
  const flat = (part: string) => part.replace(/\s+/g, ' ');
  return {
    before: (from > 0 ? '…' : '') + flat(text.slice(from, at)),
    match: flat(text.slice(at, at + word.length)),
    after: flat(text.slice(at + word.length, to)) + (to < text.length ? '…' : ''),
  };
}

/** Conversations that hold every word of the query, newest first; all of them when the query is blank. */
export function search(conversations: Iterable<Conversation>, query: string): Hit[] {
  const words = query.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const hits: Hit[] = [];
  for (const conversation of conversations) {
    const texts = conversation.nodes.map((node) => node.text);
    const all = [conversation.title, ...texts].join('\n').toLowerCase();
    if (!words.every((word) => all.includes(word))) continue;
    const first = words[0];
    const text = first === undefined ? undefined : texts.find((candidate) => candidate.toLowerCase().includes(first));
    hits.push({ conversation, snippet: text === undefined || first === undefined ? undefined : snippetOf(text, first) });
  }
  return hits.sort((a, b) => b.conversation.updatedAt - a.conversation.updatedAt);
}
