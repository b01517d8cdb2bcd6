// SPDX-License-Identifier: MIT
// The Node SDKs of OpenAI and Anthropic, unchanged (docs/serving.md).
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const key = "a-key-of-the-tests";
const hello = [{ role: "user", content: "Hello! Who are you?" }];
const city = {
  type: "object",
  properties: { city: { type: "string", enum: ["Paris", "Rome", "Oslo"] } },
  required: ["city"],
  additionalProperties: false,
};
let server, openai, anthropic;

before(async () => {
  server = spawn(process.env.FATHOM, ["serve", "--port", "0", "--alias", "gpt-*", "--alias", "claude-*"], {
    env: { ...process.env, FATHOM_API_KEY: key },
    stdio: ["ignore", "pipe", "ignore"],
  });
  for await (const line of createInterface({ input: server.stdout })) {
    const url = line.split(" ").at(-1);
    openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
    anthropic = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
    break;
  }
});

after(async () => {
  server.kill("SIGTERM");
  const [status] = await once(server, "exit");
  assert.equal(status, 0);
});

test("openai: a stream says what the whole reply says", async () => {
  const asked = { model: "gpt-4o", messages: hello, max_tokens: 24, temperature: 0 };
  const whole = await openai.chat.completions.create(asked);
  let text = "";
  for await (const chunk of await openai.chat.completions.create({ ...asked, stream: true })) {
    text += chunk.choices[0]?.delta?.content ?? "";
  }
  assert.equal(text, whole.choices[0].message.content);
});

test("openai: structured output and required calls are valid", async () => {
  const reply = await openai.chat.completions.parse({
    model: "gpt-4o", messages: hello, max_tokens: 300, temperature: 0,
    response_format: { type: "json_schema", json_schema: { name: "place", strict: true, schema: city } },
  });
  assert.ok(city.properties.city.enum.includes(reply.choices[0].message.parsed.city));
  const called = await openai.chat.completions.create({
    model: "gpt-4o", messages: hello, max_tokens: 300, temperature: 0, tool_choice: "required",
    tools: [{ type: "function", function: { name: "weather", parameters: city } }],
  });
  for (const call of called.choices[0].message.tool_calls) {
    assert.ok(city.properties.city.enum.includes(JSON.parse(call.function.arguments).city));
  }
});

test("openai: responses and their stream say the same", async () => {
  const asked = { model: "gpt-4o", input: "Hello! Who are you?", max_output_tokens: 40, temperature: 0 };
  const whole = await openai.responses.create(asked);
  const final = await openai.responses.stream(asked).finalResponse();
  assert.equal(final.output_text, whole.output_text);
});

test("openai: models and errors", async () => {
  const models = await openai.models.list();
  assert.equal(models.data.length, 1);
  await assert.rejects(openai.chat.completions.create({ model: "unknown", messages: hello }), OpenAI.NotFoundError);
});

test("anthropic: messages, their stream, calls and counting", async () => {
  const asked = { model: "claude-any", max_tokens: 24, temperature: 0, messages: hello };
  const whole = await anthropic.messages.create(asked);
  const streamed = await anthropic.messages.stream(asked).finalMessage();
  assert.deepEqual(streamed.content, whole.content);
  const called = await anthropic.messages.stream({
    ...asked, max_tokens: 300, tools: [{ name: "weather", input_schema: city }], tool_choice: { type: "any" },
  }).finalMessage();
  assert.equal(called.stop_reason, "tool_use");
  assert.ok(called.content.every((block) => block.type !== "tool_use" || city.properties.city.enum.includes(block.input.city)));
  const counted = await anthropic.messages.countTokens({ model: "claude-any", messages: hello });
  assert.equal(counted.input_tokens, whole.usage.input_tokens + whole.usage.cache_read_input_tokens);
});
