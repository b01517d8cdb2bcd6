// SPDX-License-Identifier: MIT
// Text files that go with a message: how they are read and how they are written into the prompt.
import type { Attachment, UserNode } from './types';

export const maxAttachmentBytes = 1 << 20;

/** The text of a file, or why it cannot be attached. */
export function readText(name: string, bytes: Uint8Array): { attachment: Attachment } | { problem: string } {
  if (bytes.length > maxAttachmentBytes) return { problem: `${name} is larger than 1 MiB.` };
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return { attachment: { name, text } };
  } catch {
    // Not UTF-8: told below.
  }
  return { problem: `${name} is not a text file in UTF-8.` };
}

/** A line of back quotes that does not occur in the text. */
function fenceFor(text: string): string {
  const longest = (text.match(/`+/g) ?? []).reduce((length, run) => Math.max(length, run.length), 2);
  return '`'.repeat(longest + 1);
}

/** What the model reads: each file under its name, then what the user wrote. */
export function messageText(node: Pick<UserNode, 'text' | 'attachments'>): string {
  const files = node.attachments.map(({ name, text }) => {
    const fence = fenceFor(text);
    return `File ${name}:\n${fence}\n${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${fence}`;
  });
  return [...files, node.text].filter((part) => part !== '').join('\n\n');
}
