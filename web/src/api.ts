// SPDX-License-Identifier: MIT
// The two calls this page makes: which model is served, and a streamed chat completion (api.md 4, 8). Same origin only.
import { SseParser } from './sse';
import { StreamError } from './reply';
import type { ErrorKind, ReplyError } from './types';

export interface ServedModel {
  id: string;
  contextLength: number;
}

/** A reply with an error status. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string, readonly retryAfter: number | undefined) {
    super(message);
  }
}

/** No reply at all, or one that broke off. */
export class ConnectionError extends Error {}

function headers(key: string): Record<string, string> {
  return key === '' ? {} : { Authorization: `Bearer ${key}` };
}

async function errorOf(response: Response): Promise<ApiError> {
  let message = `The server answered with status ${response.status}.`;
  let code = '';
  try {
    const body = (await response.json()) as { error?: { message?: unknown; code?: unknown } };
    if (typeof body.error?.message === 'string') message = body.error.message;
    if (typeof body.error?.code === 'string') code = body.error.code;
  } catch {
    // Not JSON: the status says enough.
  }
  const seconds = Number(response.headers.get('Retry-After') ?? NaN);
  return new ApiError(response.status, code, message, Number.isFinite(seconds) ? seconds : undefined);
}

async function request(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, cache: 'no-store', credentials: 'omit', redirect: 'error' });
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new ConnectionError('The server cannot be reached.');
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

export async function servedModel(key: string): Promise<ServedModel> {
  const response = await request('/v1/models', { headers: headers(key) });
  const body = (await response.json()) as { data?: { id?: unknown; context_length?: unknown }[] };
  const model = body.data?.[0];
  return {
    id: typeof model?.id === 'string' ? model.id : '',
    contextLength: typeof model?.context_length === 'number' ? model.context_length : 0,
  };
}

async function* pieces(response: Response): AsyncGenerator<string> {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new ConnectionError('The connection broke off during the reply.');
  } finally {
    // Leaving early (an error in the stream) closes the connection, so the server stops working for nobody.
    reader.cancel().catch(() => undefined);
  }
}

/** The chunks of a streamed completion. Throws AbortError, ApiError, ConnectionError. */
export async function* streamChat(key: string, body: unknown, signal: AbortSignal): AsyncGenerator<unknown> {
  const response = await request('/v1/chat/completions', {
    method: 'POST',
    headers: { ...headers(key), 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
  const parser = new SseParser();
  for await (const piece of pieces(response)) {
    for (const data of parser.push(piece)) {
      if (data === '[DONE]') return;
      let chunk: unknown;
      try {
        chunk = JSON.parse(data);
      } catch {
        throw new ConnectionError('The server sent something that is not JSON.');
      }
      yield chunk;
    }
  }
  throw new ConnectionError('The connection broke off during the reply.');
}

function kindOf(status: number, code: string): ErrorKind {
  if (status === 401) return 'key';
  if (status === 429) return 'busy';
  if (code === 'context_length_exceeded') return 'context';
  if (status === 503) return 'unavailable';
  return 'refused';
}

/** What to show for an exception of the calls above. */
export function replyError(error: unknown): ReplyError {
  if (error instanceof ApiError) {
    const shown: ReplyError = { kind: kindOf(error.status, error.code), message: error.message };
    if (error.retryAfter !== undefined) shown.retryAfter = error.retryAfter;
    return shown;
  }
  if (error instanceof StreamError) return { kind: error.code === 'draining' ? 'unavailable' : 'broken', message: error.message };
  if (error instanceof ConnectionError) {
    return { kind: error.message.includes('reached') ? 'unreachable' : 'broken', message: error.message };
  }
  throw error;
}
