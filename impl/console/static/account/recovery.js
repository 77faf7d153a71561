// Recovery codes, for who has lost the authenticator: they are shown once.
import { ask, factorField } from '../lib/factor.js';
import { button, h } from '../lib/dom.js';
import { text } from '../lib/text.js';

/** @import {Client} from '../lib/api.js' */

/**
 * @param {Client} client
 * @param {() => Promise<unknown>} changed
 */
export async function recovery(client, changed) {
  const state = await client.get('/auth/mfa/status');
  if (!state.enabled) return [h('p', {}, text.recoveryLater)];
  const make = button(text.makeRecoveryCodes, async () => {
    const codes = await makeCodes(client);
    if (!codes) return;
    await showOnce(codes);
    await changed();
  }, { class: state.recovery_codes_left ? '' : 'primary' });
  return [h('p', {}, text.recoveryLeft(state.recovery_codes_left)), make];
}

/**
 * @param {Client} client
 * @returns {Promise<string[] | undefined>}
 */
function makeCodes(client) {
  const factor = factorField();
  return ask({
    title: text.makeRecoveryCodes, submit: text.makeRecoveryCodes, content: [h('p', {}, text.recoveryVoid), factor.element],
    run: async () => (await client.post('/auth/mfa/recovery-codes', { code: factor.value() })).codes,
  });
}

/**
 * Shows the codes until the person says that they are kept.
 * @param {string[]} codes
 */
async function showOnce(codes) {
  const file = URL.createObjectURL(new Blob([codes.join('\n') + '\n'], { type: 'text/plain' }));
  await ask({
    title: text.recoveryCodes, submit: text.recoveryKept, answered: true, run: async () => true,
    content: [
      h('p', {}, text.recoveryOnce),
      h('ul', { class: 'codes', 'aria-label': text.recoveryCodes }, ...codes.map((code) => h('li', {}, h('code', {}, code)))),
      h('p', {}, h('a', { href: file, download: 'menshen-recovery-codes.txt' }, text.download)),
    ],
  });
  URL.revokeObjectURL(file);
}
