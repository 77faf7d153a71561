// Forms: labelled fields, one request at a time, and what went wrong said next to the button.
import { Refusal, refused } from './api.js';
import { fill, h, once } from './dom.js';
import { text } from './text.js';

let fields = 0;

/**
 * A labelled input.
 * @param {string} label
 * @param {Record<string, unknown>} properties of the input
 * @param {string} [hint]
 */
export function field(label, properties, hint) {
  const id = 'field-' + ++fields;
  const input = h('input', { id, required: true, 'aria-describedby': hint && id + '-hint', ...properties });
  const element = h('div', { class: 'field' }, h('label', { for: id }, label), input, hint && h('p', { class: 'hint', id: id + '-hint' }, hint));
  return { element, input };
}

/** The properties of an input for a code that was sent or that an authenticator shows: phones offer it by themselves. */
export const oneTimeCode = { name: 'code', inputmode: 'numeric', autocomplete: 'one-time-code', autocapitalize: 'off', spellcheck: 'false' };

/**
 * What an error means to a person.
 * @param {unknown} error
 */
function explain(error) {
  if (error instanceof Refusal && error.retryAfter > 0) return error.message + ' ' + text.tryAgainIn(error.retryAfter);
  if (error instanceof Error) return error.message;
  return text.unreachable;
}

/** A place for what went wrong; screen readers say it at once. Who signed in too long ago for something can do that again from there. */
export function trouble() {
  const element = h('p', { class: 'trouble', role: 'alert' });
  return {
    element,
    /** @param {unknown} error */
    show(error) {
      fill(element, error !== undefined && explain(error), refused(error, 'auth.stale') && ' ', refused(error, 'auth.stale') && h('a', { href: './#again' }, text.signInAgain));
    },
  };
}

/**
 * A form. run may throw: that is shown, and the form can be sent again as it is.
 * @param {{label: string, submit: string, run: () => Promise<unknown>, extra?: Node[]}} options
 * @param {...(Node | false | undefined)} content
 */
export function form(options, ...content) {
  const problem = trouble();
  const submit = h('button', { type: 'submit', class: 'primary' }, options.submit);
  const element = h('form', { 'aria-label': options.label }, ...content, problem.element, h('div', { class: 'actions' }, submit, ...(options.extra ?? [])));
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    once(submit, async () => {
      problem.show(undefined);
      try {
        await options.run();
      } catch (error) {
        problem.show(error);
      }
    });
  });
  return element;
}
