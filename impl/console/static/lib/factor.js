// The authenticator's code: asked for in the middle of something else, which then goes on.
import { refused } from './api.js';
import { button, fill, h } from './dom.js';
import { field, form, oneTimeCode } from './form.js';
import { text } from './text.js';

/** @import {Client} from './api.js' */

/** A field that takes a code of the authenticator or, after a click, a recovery code. */
export function factorField() {
  const code = field(text.factorCode, { ...oneTimeCode, pattern: '[0-9]{6,8}', maxlength: 8 }, text.factorHint);
  const recovery = field(text.recoveryCode, { name: 'recovery', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', maxlength: 64 }, text.recoveryHint);
  let current = code;
  const place = h('div', {}, code.element);
  const other = button(text.useRecoveryCode, () => {
    current = current === code ? recovery : code;
    fill(place, current.element);
    other.textContent = current === code ? text.useRecoveryCode : text.useAuthenticator;
    current.input.focus();
  }, { class: 'link' });
  return {
    element: h('div', {}, place, other),
    value: () => current.input.value.trim(),
    focus: () => current.input.focus(),
  };
}

/**
 * A dialog that asks for something. It ends with what run returned, or undefined when it was closed; one that has to be answered
 * cannot be.
 * @template T
 * @param {{title: string, submit: string, run: () => Promise<T>, content: Node[], answered?: boolean}} options
 * @returns {Promise<T | undefined>}
 */
export function ask(options) {
  return new Promise((resolve) => {
    /** @type {T | undefined} */
    let outcome;
    /** @type {Promise<unknown> | undefined} */
    let running;
    const cancel = h('button', { type: 'button', onclick: () => dialog.close() }, text.cancel);
    const content = form({
      label: options.title, submit: options.submit, extra: options.answered ? [] : [cancel],
      run: async () => {
        cancel.disabled = true;
        running = options.run().then((value) => { outcome = value; });
        try {
          await running;
        } finally {
          running = undefined;
          cancel.disabled = false;
        }
        dialog.close();
      },
    }, ...options.content);
    const title = h('h2', { id: 'dialog-title' }, options.title);
    const dialog = h('dialog', {
      'aria-labelledby': 'dialog-title',
      oncancel: (/** @type {Event} */ event) => (options.answered || running) && event.preventDefault(),
      // Browsers close a dialog at the second Escape, whatever the page says. What was begun by then is done all the same.
      onclose: async () => {
        await running?.catch(() => {});
        if (options.answered && outcome === undefined) return dialog.showModal();
        dialog.remove();
        resolve(outcome);
      },
    }, title, content);
    document.body.append(dialog);
    dialog.showModal();
  });
}

/**
 * Does something for which the session may first have to show a code of the authenticator: then that is asked for, and the thing
 * done again. Undefined means that the person did not want to.
 * @template T
 * @param {Client} client
 * @param {() => Promise<T>} act
 * @returns {Promise<T | undefined>}
 */
export async function withFactor(client, act) {
  try {
    return await act();
  } catch (error) {
    if (!refused(error, 'account.code_required', 'mfa.step_up', 'mfa.bound')) throw error;
  }
  const factor = factorField();
  const shown = await ask({
    title: text.factorNeeded, submit: text.confirm, content: [factor.element],
    run: async () => {
      await client.post('/auth/mfa/verify', { code: factor.value() });
      return true;
    },
  });
  return shown ? act() : undefined;
}
