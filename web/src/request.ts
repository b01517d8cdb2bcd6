// SPDX-License-Identifier: MIT
// From a path of messages to the body of POST /v1/chat/completions (api.md 4).
import { messageText } from './attachments';
import { parseTools } from './options';
import type { AssistantNode, MessageNode, Options } from './types';

type Json = Record<string, unknown>;

function assistantMessage(node: AssistantNode): Json | undefined {
  // A reply that failed before its first word is no part of the conversation.
  if (node.text === '' && node.reasoning === '' && node.toolCalls.length === 0) return undefined;
  const message: Json = { role: 'assistant', content: node.text };
  if (node.reasoning !== '') message.reasoning_content = node.reasoning;
  if (node.toolCalls.length > 0) {
    message.tool_calls = node.toolCalls.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: call.arguments },
    }));
  }
  return message;
}

function message(node: MessageNode): Json | undefined {
  switch (node.role) {
    case 'user':
      return { role: 'user', content: messageText(node) };
    case 'tool':
      return { role: 'tool', tool_call_id: node.callId, content: node.text };
    case 'assistant':
      return assistantMessage(node);
  }
}

/** When the path ends in a reply, the model goes on from the end of it. */
export function requestBody(path: readonly MessageNode[], options: Options, model: string): Json {
  const messages = path.map(message).filter((entry) => entry !== undefined);
  if (path[path.length - 1]?.role === 'assistant') messages[messages.length - 1]!.prefix = true;
  if (options.system.trim() !== '') messages.unshift({ role: 'system', content: options.system });
  const body: Json = {
    messages,
    stream: true,
    stream_options: { include_usage: true },
    timings: true,
    reasoning_effort: options.effort,
    ...options.sampling,
  };
  if (model !== '') body.model = model;
  const tools = parseTools(options.tools);
  if (tools.problem === undefined && tools.value.length > 0) body.tools = tools.value;
  return body;
}
