// SPDX-License-Identifier: MIT
// What the mock server answers, by the first words of the last message.
import { payloads } from './xss_payloads.mjs';

const markdownSample = `The tide is driven by the Moon. Its pull falls off with distance, so the side of the Earth that faces it is drawn a little more than the centre:

$$\\Delta g \\approx \\frac{2\\,G M r}{d^3} = 1.1\\times 10^{-6}\\ \\mathrm{m/s^2}$$

where $M$ is the Moon's mass, $r$ the Earth's radius and $d$ the distance between them. Two things follow:

1. The effect falls with $d^{-3}$, **not** $d^{-2}$.
2. There are *two* bulges, one on each side.

| body | mass in kg | effect |
|---|---:|---:|
| Moon | 7.3e22 | 1.00 |
| Sun | 2.0e30 | 0.46 |

The same in code:

\`\`\`python
G = 6.674e-11  # m^3 / (kg s^2)

def tidal(mass: float, radius: float, distance: float) -> float:
    """Difference of pull between the near side and the centre."""
    return 2 * G * mass * radius / distance**3

print(f"{tidal(7.35e22, 6.37e6, 3.84e8):.2e} m/s^2")
\`\`\`
`;

const sampleReasoning = `The user asks about tides. I should give the formula for the tidal acceleration, $2GMr/d^3$, and check the number: 2 · 6.67e-11 · 7.35e22 · 6.37e6 / (3.84e8)^3 = 1.1e-6. Good.

Then the comparison with the Sun, about 0.46.`;

const numbers = Array.from({ length: 2000 }, (_, i) => `number ${i + 1}`).join(', ');

const weather = { id: 'call_abcdefghijklmnopqrstuvwx', name: 'get_weather', arguments: '{"city": "Lisbon", "unit": "celsius"}' };

const rules = [
  [/^xss (\d+)/, (match) => ({ byCharacter: true, reasoning: payloads[Number(match[1])], text: payloads[Number(match[1])] })],
  [/^say ([\s\S]*)/, (match) => ({ text: match[1], byCharacter: true })],
  [/tides/, () => ({ reasoning: sampleReasoning, text: markdownSample, speed: 41.7, delayMs: 2 })],
  [/^count/, () => ({ text: numbers, delayMs: 10 })],
  [/^hold/, () => ({ text: 'The first half', hold: true })],
  [/^think/, () => ({ reasoning: 'First this, then that, and so on for a while. '.repeat(3), text: 'Done thinking.', delayMs: 10 })],
  [/weather/, () => ({ text: 'I will look it up.', toolCalls: [weather], reasoning: 'A tool fits.' })],
  [/^queue/, () => ({ waitMs: 3000, text: 'It was your turn.' })],
  [/^busy/, () => ({ status: 429, code: 'queue_full', message: 'The queue of 256 requests is full.', retryAfter: 2 })],
  [/^full/, () => ({ status: 400, code: 'context_length_exceeded', message: "This model's maximum context length is 4096 tokens, the request has 5210." })],
  [/^long/, () => ({ text: 'This goes on until nothing', finish: 'length', promptTokens: 3000, completionTokens: 1096, cachedTokens: 2944 })],
  [/^loading/, () => ({ status: 503, code: 'not_ready', message: 'The model is still loading.' })],
  [/^bad/, () => ({ status: 400, code: 'invalid_value', message: 'temperature: expected 0 to 2, found 7' })],
  [/^drop/, () => ({ drop: true })],
  [/^break/, () => ({ text: 'Half of an', breakOff: true })],
  [/^fail/, () => ({ text: 'Half of an', streamError: { message: 'The model gave numbers that are not finite.', type: 'server_error', param: null, code: 'internal_error' } })],
];

/** The reply to a body of /v1/chat/completions. */
export function replyTo(body) {
  const last = body.messages[body.messages.length - 1];
  if (last.prefix) return { text: ' and this is the rest.' };
  if (last.role === 'tool') return { text: `The tool says: ${last.content}.`, reasoning: 'Now I know.' };
  for (const [pattern, make] of rules) {
    const match = pattern.exec(last.content);
    if (match) return make(match);
  }
  return { text: `You said: ${last.content}`, reasoning: 'A short thought.', delayMs: 1 };
}
