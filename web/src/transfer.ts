// SPDX-License-Identifier: MIT
// Export and import. What is imported was written by anyone: every field is checked, unknown ones are dropped.
import { defaultOptions, efforts, parseNumber, samplingFields } from './options';
import type { AssistantNode, Attachment, Conversation, Effort, Finish, MessageNode, Options, Sampling, ToolCall } from './types';

const format = 'fathom-conversations';
const version = 1;

type Fields = Record<string, unknown>;

class ImportError extends Error {}

function need<T>(value: T | undefined, where: string, expected: string): T {
  if (value === undefined) throw new ImportError(`${where}: expected ${expected}`);
  return value;
}

function fields(value: unknown, where: string): Fields {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return need(isObject ? (value as Fields) : undefined, where, 'an object');
}

function list(value: unknown, where: string): unknown[] {
  return need(Array.isArray(value) ? value : undefined, where, 'a list');
}

function text(value: unknown, where: string): string {
  return need(typeof value === 'string' ? value : undefined, where, 'a text');
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

function identifier(value: unknown, where: string): string {
  return need(typeof value === 'string' && /^[0-9A-Za-z-]{1,64}$/.test(value) ? value : undefined, where, 'an identifier');
}

function time(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 && value < 8.64e15 ? value : 0;
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], otherwise: T): T {
  return allowed.includes(value as T) ? (value as T) : otherwise;
}

function readAttachments(value: unknown, where: string): Attachment[] {
  return (value === undefined ? [] : list(value, where)).map((entry, i) => {
    const attachment = fields(entry, `${where}[${i}]`);
    return { name: text(attachment.name, `${where}[${i}].name`), text: text(attachment.text, `${where}[${i}].text`) };
  });
}

function readCalls(value: unknown, where: string): ToolCall[] {
  return (value === undefined ? [] : list(value, where)).map((entry, i) => {
    const call = fields(entry, `${where}[${i}]`);
    return { id: textOr(call.id, ''), name: textOr(call.name, ''), arguments: textOr(call.arguments, '') };
  });
}

function readFigures(value: unknown): AssistantNode['figures'] {
  const source = typeof value === 'object' && value !== null ? (value as Fields) : {};
  const figures: Fields = {};
  const numberIn = (from: Fields, key: string) => {
    const found = from[key];
    return typeof found === 'number' && Number.isFinite(found) && found >= 0 ? found : undefined;
  };
  for (const key of ['waitMs', 'thinkingMs', 'totalMs', 'tokensPerSecond', 'contextLength']) {
    const found = numberIn(source, key);
    if (found !== undefined) figures[key] = found;
  }
  if (typeof source.usage === 'object' && source.usage !== null) {
    const usage = source.usage as Fields;
    figures.usage = Object.fromEntries(
      ['promptTokens', 'cachedTokens', 'completionTokens', 'reasoningTokens'].map((key) => [key, numberIn(usage, key) ?? 0]),
    );
  }
  return figures as AssistantNode['figures'];
}

const finishes: readonly Finish[] = ['stop', 'length', 'tool_calls', 'aborted', 'stopped'];

function readNode(value: unknown, where: string, known: Set<string>): MessageNode {
  const source = fields(value, where);
  const id = identifier(source.id, `${where}.id`);
  const parent = source.parent === null ? null : identifier(source.parent, `${where}.parent`);
  need(parent === null || known.has(parent) ? true : undefined, `${where}.parent`, 'an earlier message');
  need(known.has(id) ? undefined : true, `${where}.id`, 'one that is not taken');
  known.add(id);
  const base = { id, parent, createdAt: time(source.createdAt), text: text(source.text, `${where}.text`) };
  switch (source.role) {
    case 'user':
      return { ...base, role: 'user', attachments: readAttachments(source.attachments, `${where}.attachments`) };
    case 'tool':
      return { ...base, role: 'tool', callId: textOr(source.callId, ''), name: textOr(source.name, '') };
    case 'assistant':
      return {
        ...base,
        role: 'assistant',
        reasoning: textOr(source.reasoning, ''),
        toolCalls: readCalls(source.toolCalls, `${where}.toolCalls`),
        finish: oneOf(source.finish, finishes, 'stopped'),
        model: textOr(source.model, ''),
        effort: oneOf(source.effort, efforts, 'none'),
        figures: readFigures(source.figures),
      };
    default:
      throw new ImportError(`${where}.role: expected user, assistant or tool`);
  }
}

function readOptions(value: unknown): Options {
  const source = typeof value === 'object' && value !== null ? (value as Fields) : {};
  const typed = typeof source.sampling === 'object' && source.sampling !== null ? (source.sampling as Fields) : {};
  const sampling: Sampling = {};
  for (const field of samplingFields) {
    const parsed = parseNumber(field, String(typed[field.key] ?? ''));
    if (parsed.problem === undefined && parsed.value !== undefined) sampling[field.key] = parsed.value;
  }
  return {
    system: textOr(source.system, ''),
    effort: oneOf<Effort>(source.effort, efforts, defaultOptions.effort),
    sampling,
    tools: textOr(source.tools, ''),
  };
}

function readConversation(value: unknown, where: string): Conversation {
  const source = fields(value, where);
  const known = new Set<string>();
  const nodes = list(source.nodes, `${where}.nodes`).map((node, i) => readNode(node, `${where}.nodes[${i}]`, known));
  const selected: Record<string, string> = {};
  for (const [parent, child] of Object.entries(fields(source.selected ?? {}, `${where}.selected`))) {
    if ((parent === 'root' || known.has(parent)) && typeof child === 'string' && known.has(child)) selected[parent] = child;
  }
  return {
    id: identifier(source.id, `${where}.id`),
    title: text(source.title, `${where}.title`).slice(0, 200),
    createdAt: time(source.createdAt),
    updatedAt: time(source.updatedAt),
    nodes,
    selected,
    options: readOptions(source.options),
  };
}

export function exportJson(conversations: readonly Conversation[]): string {
  return `${JSON.stringify({ format, version, conversations }, null, 1)}\n`;
}

/** The conversations of an exported file, or what is wrong with it and where. */
export function importJson(content: string): { conversations: Conversation[] } | { problem: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch {
    return { problem: 'The file is not JSON.' };
  }
  try {
    const file = fields(parsed, 'file');
    need(file.format === format && file.version === version ? true : undefined, 'file', `format ${format}, version ${version}`);
    return { conversations: list(file.conversations, 'conversations').map((entry, i) => readConversation(entry, `conversations[${i}]`)) };
  } catch (error) {
    if (error instanceof ImportError) return { problem: error.message };
    throw error;
  }
}

function markdownOf(node: MessageNode): string {
  if (node.role === 'tool') return `## Result of ${node.name}\n\n${node.text}`;
  if (node.role === 'user') {
    const files = node.attachments.map((file) => `*Attached: ${file.name}*`);
    return ['## You', ...files, node.text].join('\n\n');
  }
  const calls = node.toolCalls.map((call) => `Calls \`${call.name}\` with \`${call.arguments}\``);
  return ['## Model', node.text, ...calls].filter((part) => part !== '').join('\n\n');
}

/** The path shown, for reading elsewhere. */
export function exportMarkdown(title: string, path: readonly MessageNode[]): string {
  return `${[`# ${title}`, ...path.map(markdownOf)].join('\n\n')}\n`;
}
