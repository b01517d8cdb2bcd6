// SPDX-License-Identifier: MIT
// One reply from request to its last figure. The message is changed in place; `changed` is called after each piece.
import { replyError, streamChat } from './api';
import { applyChunk, type ReplyClock } from './reply';
import type { AssistantNode } from './types';

export interface Generation {
  key: string;
  body: unknown;
  node: AssistantNode;
  signal: AbortSignal;
  changed: () => void;
}

/** Never throws for what a server or a network does: the message then says how it ended. */
export async function generate({ key, body, node, signal, changed }: Generation): Promise<void> {
  const clock: ReplyClock = { startedAt: performance.now() };
  try {
    for await (const chunk of streamChat(key, body, signal)) {
      applyChunk(node, clock, chunk, performance.now());
      changed();
    }
    if (node.finish === 'running') node.finish = 'stop';
  } catch (error) {
    if (signal.aborted) {
      node.finish = 'stopped';
    } else {
      node.finish = 'error';
      node.error = replyError(error);
    }
  }
  node.figures.totalMs = performance.now() - clock.startedAt;
}
