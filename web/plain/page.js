// SPDX-License-Identifier: MIT
// The page of a program that was built without npm: one conversation, text only, no packages.

const byId = (id) => document.getElementById(id);
const history = [];
let running;

function show(className) {
  const element = document.createElement('article');
  element.className = className;
  byId('messages').append(element);
  return element;
}

function headers() {
  const key = byId('key').value.trim();
  return { 'Content-Type': 'application/json', ...(key && { Authorization: `Bearer ${key}` }) };
}

async function failure(response) {
  const body = await response.json().catch(() => ({}));
  return new Error(body.error?.message ?? `The server answered with status ${response.status}.`);
}

async function connect() {
  try {
    const response = await fetch('/v1/models', { headers: headers() });
    if (!response.ok) throw await failure(response);
    byId('model').textContent = (await response.json()).data[0].id;
  } catch (error) {
    byId('model').textContent = error instanceof TypeError ? 'The server cannot be reached; start it with fathom serve.' : error.message;
  }
}

/** Calls `take` with each chunk of the stream; true when the stream was complete. */
async function readStream(response, take) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return false;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (line.trim() === 'data: [DONE]') return true;
      if (line.startsWith('data: ')) take(JSON.parse(line.slice(6)));
    }
  }
}

async function reply(signal) {
  const reasoning = show('reasoning');
  const text = show('assistant');
  const message = { role: 'assistant', content: '' };
  history.push(message);
  const response = await fetch('/v1/chat/completions', {
    method: 'POST',
    headers: headers(),
    signal,
    body: JSON.stringify({ messages: history.slice(0, -1), stream: true, reasoning_effort: byId('effort').value }),
  });
  if (!response.ok) throw await failure(response);
  const complete = await readStream(response, (chunk) => {
    if (chunk.error) throw new Error(chunk.error.message);
    const delta = chunk.choices?.[0]?.delta ?? {};
    reasoning.textContent += delta.reasoning_content ?? '';
    message.content += delta.content ?? '';
    text.textContent = message.content;
    scrollTo(0, document.body.scrollHeight);
  });
  if (!complete) throw new Error('The connection broke off during the reply.');
}

async function send() {
  const content = byId('text').value.trim();
  if (content === '') return;
  byId('text').value = '';
  show('user').textContent = content;
  history.push({ role: 'user', content });
  running = new AbortController();
  byId('send').textContent = 'Stop';
  try {
    await reply(running.signal);
  } catch (error) {
    if (error.name !== 'AbortError') {
      show('error').textContent = error instanceof TypeError ? 'The server cannot be reached.' : error.message;
    }
  }
  if (history.at(-1).content === '') history.pop();
  running = undefined;
  byId('send').textContent = 'Send';
}

byId('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  if (running) running.abort();
  else send();
});
byId('text').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!running) send();
});
byId('key').addEventListener('change', connect);
connect();
