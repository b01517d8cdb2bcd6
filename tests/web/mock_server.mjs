// SPDX-License-Identifier: MIT
// A server that speaks the part of the API that the chat page uses (docs of the API: chat completions as a stream, models) and
// gives the page out with the headers of web/headers.txt. What it answers is chosen by the last message: mock_replies.mjs.
import { createServer } from 'node:http';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { replyTo } from './mock_replies.mjs';

const contentTypes = {
  css: 'text/css; charset=utf-8', html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8', woff2: 'font/woff2',
};

export function readHeaders(file) {
  return Object.fromEntries(readFileSync(file, 'utf8').trim().split('\n').map((line) => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)];
  }));
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class MockServer {
  /** files: folder of the page; headersFile: web/headers.txt; key: the one that is wanted, or none. */
  constructor({ files, headersFile, key = '', contextLength = 4096 }) {
    this.files = files;
    this.pageHeaders = readHeaders(headersFile);
    this.key = key;
    this.contextLength = contextLength;
    /** Bodies of all chat requests, in order. */
    this.requests = [];
    /** Replies whose connection the client closed before their end. */
    this.cancelled = 0;
    /** A reply that is held in the middle goes on when this is called. */
    this.release = () => {};
  }

  /** Resolves to the address. A port of a server that was closed can be taken again. */
  async listen(port = 0) {
    this.server = createServer((request, response) => {
      this.answer(request, response).catch((error) => response.destroy(error));
    });
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    return `http://127.0.0.1:${this.port}`;
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async answer(request, response) {
    const path = new URL(request.url, 'http://localhost').pathname;
    if (request.method === 'GET' && path === '/v1/models') {
      if (this.authorized(request, response)) this.models(response);
    } else if (request.method === 'POST' && path === '/v1/chat/completions') {
      if (this.authorized(request, response)) await this.chat(request, response);
    } else {
      this.file(request, response, path);
    }
  }

  authorized(request, response) {
    if (this.key === '' || request.headers.authorization === `Bearer ${this.key}`) return true;
    this.fail(response, { status: 401, code: 'invalid_api_key', message: 'Missing or wrong API key.' });
    return false;
  }

  fail(response, { status, code, message, retryAfter }) {
    const headers = { 'Content-Type': 'application/json' };
    if (retryAfter !== undefined) headers['Retry-After'] = String(retryAfter);
    if (status === 401) headers['WWW-Authenticate'] = 'Bearer';
    response.writeHead(status, headers);
    response.end(JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code } }));
  }

  models(response) {
    const model = {
      id: 'tiny-chat', object: 'model', created: 1790000000, owned_by: 'fathom', context_length: this.contextLength,
      max_output_tokens: this.contextLength, dialect: 'official', parameters: 12_000_000, aliases: [],
    };
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ object: 'list', data: [model] }));
  }

  async chat(request, response) {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const body = JSON.parse(Buffer.concat(pieces).toString('utf8'));
    this.requests.push(body);
    const reply = replyTo(body);
    if (reply.drop) return void request.socket.destroy();
    if (reply.status) return void this.fail(response, reply);
    if (reply.waitMs) await pause(reply.waitMs);
    await this.stream(body, reply, response);
  }

  async stream(body, reply, response) {
    let open = true;
    response.on('close', () => {
      open = false;
      if (!response.writableFinished) ++this.cancelled;
    });
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', 'X-Accel-Buffering': 'no' });
    const common = {
      id: 'chatcmpl-0123456789abcdefABCDEF01', object: 'chat.completion.chunk', created: 1790000000, model: body.model ?? 'tiny-chat',
      system_fingerprint: 'fp_0123456789ab',
    };
    const thinks = body.reasoning_effort !== 'none' && reply.reasoning !== undefined;
    const send = (fields) => response.write(`data: ${JSON.stringify({ ...common, ...fields })}\n\n`);
    const delta = (value, finish = null) => send({ choices: [{ index: 0, delta: value, logprobs: null, finish_reason: finish }], usage: null });
    let tokens = 0;
    const text = async (key, whole) => {
      for (const piece of reply.byCharacter ? Array.from(whole) : whole.match(/\s*\S{1,6}|\s+/gu) ?? []) {
        if (!open) return;
        delta({ [key]: piece });
        ++tokens;
        if (reply.delayMs) await pause(reply.delayMs);
      }
    };
    response.write(': keep-alive\n\n');
    delta(thinks ? { role: 'assistant', content: null, reasoning_content: '' } : { role: 'assistant', content: '' });
    if (thinks) await text('reasoning_content', reply.reasoning);
    const reasoningTokens = tokens;
    await text('content', reply.text ?? '');
    if (reply.hold) {
      await new Promise((resolve) => { this.release = resolve; });
      await text('content', ' and the second.');
    }
    for (const [index, call] of (reply.toolCalls ?? []).entries()) {
      delta({ tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }] });
      for (const piece of call.arguments.match(/[\s\S]{1,5}/g) ?? []) delta({ tool_calls: [{ index, function: { arguments: piece } }] });
    }
    if (!open) return;
    if (reply.streamError) return void response.end(`data: ${JSON.stringify({ error: reply.streamError })}\n\n`);
    if (reply.breakOff) {
      // A browser may drop what it has not yet handed to the page when the connection ends.
      await pause(300);
      return void response.socket.end();
    }
    delta({}, reply.finish ?? (reply.toolCalls ? 'tool_calls' : 'stop'));
    const prompt = reply.promptTokens ?? Math.ceil(JSON.stringify(body.messages).length / 4);
    const cached = Math.min(prompt, reply.cachedTokens ?? Math.floor(prompt * 0.7));
    const completion = reply.completionTokens ?? tokens + 1;
    send({
      choices: [],
      usage: {
        prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion,
        prompt_tokens_details: { cached_tokens: cached }, completion_tokens_details: { reasoning_tokens: reasoningTokens },
        prompt_cache_hit_tokens: cached, prompt_cache_miss_tokens: prompt - cached,
      },
      ...(body.timings && {
        timings: { queue_ms: 1, prefill_ms: 12, decode_ms: 300, prefill_tokens_per_s: 9000, decode_tokens_per_s: reply.speed ?? 38.2, drafted: 0, accepted: 0 },
      }),
    });
    response.end('data: [DONE]\n\n');
  }

  file(request, response, path) {
    const name = path === '/' ? 'index.html' : path.slice(1);
    const full = join(this.files, name);
    if (path.includes('..') || !existsSync(full) || !statSync(full).isFile()) {
      return this.fail(response, { status: 404, code: 'not_found', message: `No such path: ${path}` });
    }
    response.writeHead(200, { ...this.pageHeaders, 'Content-Type': contentTypes[name.split('.').pop()] ?? 'application/octet-stream' });
    response.end(readFileSync(full));
  }
}

// node mock_server.mjs FILES HEADERS [PORT [KEY]]: to look at the page by hand.
if (process.argv[1]?.endsWith('mock_server.mjs')) {
  const [files, headersFile, port = '0', key = ''] = process.argv.slice(2);
  console.log(await new MockServer({ files, headersFile, key }).listen(Number(port)));
}
