// SPDX-License-Identifier: MIT
// What a conversation is: a tree of messages, of which one path is shown. Plain data; it is stored and exported as it is.

export type Effort = 'none' | 'high' | 'max';

export interface Attachment {
  name: string;
  text: string;
}

export interface ToolCall {
  id: string;
  name: string;
  /** JSON text, exactly as the model wrote it. */
  arguments: string;
}

export interface Usage {
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  reasoningTokens: number;
}

/** How a reply ended; `running` while it streams, `stopped` when the user or a reload ended it. */
export type Finish = 'running' | 'stop' | 'length' | 'tool_calls' | 'aborted' | 'stopped' | 'error';

export type ErrorKind = 'unreachable' | 'key' | 'busy' | 'context' | 'unavailable' | 'broken' | 'refused';

export interface ReplyError {
  kind: ErrorKind;
  message: string;
  /** Seconds the server asked to wait. */
  retryAfter?: number;
}

/** Durations in milliseconds, as seen by the browser; speed as the server measured it, when it said so. */
export interface Figures {
  waitMs?: number;
  thinkingMs?: number;
  totalMs?: number;
  tokensPerSecond?: number;
  usage?: Usage;
  contextLength?: number;
}

interface Node {
  id: string;
  parent: string | null;
  createdAt: number;
}

export interface UserNode extends Node {
  role: 'user';
  text: string;
  attachments: Attachment[];
}

export interface AssistantNode extends Node {
  role: 'assistant';
  text: string;
  reasoning: string;
  toolCalls: ToolCall[];
  finish: Finish;
  model: string;
  effort: Effort;
  figures: Figures;
  error?: ReplyError;
}

export interface ToolNode extends Node {
  role: 'tool';
  callId: string;
  name: string;
  text: string;
}

export type MessageNode = UserNode | AssistantNode | ToolNode;

/** Absent: the server's default. */
export interface Sampling {
  temperature?: number;
  top_p?: number;
  top_k?: number;
  min_p?: number;
  repetition_penalty?: number;
  max_tokens?: number;
  seed?: number;
}

export interface Options {
  system: string;
  effort: Effort;
  sampling: Sampling;
  /** JSON text: an array of tools, or empty. */
  tools: string;
}

export interface Conversation {
  id: string;
  title: string;
  createdAt: number;
  updatedAt: number;
  /** A parent always stands before its children, so there is no cycle. */
  nodes: MessageNode[];
  /** Parent id (ROOT for the first message) -> id of the child that is shown. */
  selected: Record<string, string>;
  options: Options;
}

export const ROOT = 'root';
