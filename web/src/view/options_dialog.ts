// SPDX-License-Identifier: MIT
// System prompt, sampling and tools of the conversation shown. Later conversations begin with the same.
import type { App } from '../app';
import { h } from '../dom';
import { parseNumber, parseTools, samplingFields, type NumberField } from '../options';
import type { Sampling } from '../types';
import { openDialog } from './dialogs';

const toolsExample = '[{"name": "get_weather", "description": "Weather of a city", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}]';

function numberRow(field: NumberField, input: HTMLInputElement): HTMLElement {
  return h('div', { class: 'number-row' }, h('label', { for: input.id }, field.label), input,
    h('span', { class: 'hint', id: `${input.id}-hint` }, field.hint));
}

export function openOptionsDialog(app: App): void {
  const { options } = app.current;
  const system = h('textarea', { id: 'system-prompt', rows: 4, placeholder: 'Who the model is, how it should answer' });
  system.value = options.system;
  const tools = h('textarea', { id: 'tools', rows: 4, class: 'code-area', placeholder: toolsExample, spellcheck: 'false', 'aria-describedby': 'tools-hint' });
  tools.value = options.tools;
  const inputs = samplingFields.map((field) => h('input', {
    id: `option-${field.key}`, inputmode: field.integer ? 'numeric' : 'decimal', placeholder: 'default', autocomplete: 'off',
    value: options.sampling[field.key], 'aria-describedby': `option-${field.key}-hint`,
  }));
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  const form = h('form', { class: 'dialog-form' },
    h('label', { for: 'system-prompt' }, 'System prompt'), system,
    h('fieldset', {}, h('legend', {}, 'Sampling'),
      h('p', { class: 'hint' }, "Blank fields leave the choice to the server."),
      h('div', { class: 'number-rows' }, ...samplingFields.map((field, i) => numberRow(field, inputs[i]!)))),
    h('label', { for: 'tools' }, 'Tools'), tools,
    h('p', { class: 'hint', id: 'tools-hint' }, 'A JSON list of functions. Calls are shown in the reply; you type what the tool answers.'),
    problem,
    h('div', { class: 'dialog-actions' },
      h('button', { type: 'button', class: 'button', on: { click: () => dialog.close() } }, 'Cancel'),
      h('button', { type: 'submit', class: 'button primary' }, 'Save')));
  const dialog = openDialog('Options', 'wide', form);

  const refuse = (text: string, field: HTMLElement) => {
    problem.hidden = false;
    problem.textContent = text;
    field.focus();
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const sampling: Sampling = {};
    for (const [i, field] of samplingFields.entries()) {
      const parsed = parseNumber(field, inputs[i]!.value);
      if (parsed.problem !== undefined) return refuse(parsed.problem, inputs[i]!);
      if (parsed.value !== undefined) sampling[field.key] = parsed.value;
    }
    const parsed = parseTools(tools.value);
    if (parsed.problem !== undefined) return refuse(parsed.problem, tools);
    app.setOptions({ system: system.value, sampling, tools: tools.value });
    dialog.close();
  });
}
