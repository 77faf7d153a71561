// Authenticator apps: those that are bound, another one, and one less.
import { ask, factorField, withFactor } from '../lib/factor.js';
import { button, h } from '../lib/dom.js';
import { field, oneTimeCode, trouble } from '../lib/form.js';
import { moment, text } from '../lib/text.js';

/** @import {Client} from '../lib/api.js' */
/** @import {Schemas} from '../../types' */

/**
 * @param {Client} client
 * @param {() => Promise<unknown>} changed
 */
export async function authenticators(client, changed) {
  const state = await client.get('/auth/mfa/status');
  const said = trouble();
  const add = button(text.addAuthenticator, async () => {
    said.show(undefined);
    try {
      if (await bind(client)) await changed();
    } catch (error) {
      said.show(error);
    }
  }, { class: state.authenticators.length ? '' : 'primary' });
  return [
    state.authenticators.length
      ? h('ul', { class: 'list' }, ...state.authenticators.map((a) => item(a, client, changed)))
      : h('p', {}, text.noAuthenticator),
    said.element, add,
  ];
}

/**
 * @param {Schemas['Authenticator']} a
 * @param {Client} client
 * @param {() => Promise<unknown>} changed
 */
function item(a, client, changed) {
  return h('li', {},
    h('div', {}, h('strong', {}, a.name), a.state !== 'active' && h('span', { class: 'badge' }, text.authenticatorDisabled),
      h('p', { class: 'hint' }, text.boundAt(moment(a.created_at)))),
    button(text.remove, async () => {
      const factor = factorField();
      const removed = await ask({
        title: text.removeAuthenticator(a.name), submit: text.remove, content: [factor.element],
        run: async () => {
          await client.post('/auth/mfa/unbind', { id: a.id, code: factor.value() });
          return true;
        },
      });
      if (removed) await changed();
    }, { 'aria-label': text.removeAuthenticator(a.name) }));
}

/**
 * Shows a new secret as a picture and as text, and binds it with a code of the app.
 * @param {Client} client
 * @returns {Promise<boolean>}
 */
async function bind(client) {
  const made = await withFactor(client, () => client.get('/auth/mfa/qrcode'));
  if (!made) return false;
  const name = field(text.authenticatorName, { name: 'name', autocomplete: 'off', maxlength: 64, required: false }, text.authenticatorNameHint);
  const code = field(text.factorCode, { ...oneTimeCode, pattern: '[0-9]{6,8}', maxlength: 8 });
  const key = h('output', { class: 'key' }, (made.secret.match(/.{1,4}/g) ?? []).join(' '));
  const copied = h('span', { role: 'status' });
  const copy = button(text.copy, async () => {
    try {
      await navigator.clipboard.writeText(made.secret);
      copied.textContent = text.copied;
    } catch { // as on an insecure origin, which has no clipboard
      getSelection()?.selectAllChildren(key);
    }
  }, { class: 'quiet' });
  const bound = await ask({
    title: text.addAuthenticator, submit: text.bind,
    content: [
      h('p', {}, text.scanWithApp),
      h('div', { class: 'qr-frame' }, h('img', { src: made.qrcode, alt: text.secretAlt, width: 264, height: 264 })),
      h('details', {}, h('summary', {}, text.cannotScan), h('p', {}, text.typeKey), h('p', {}, key), copy, copied),
      name.element, code.element,
    ],
    run: async () => {
      const called = name.input.value.trim();
      await client.post('/auth/mfa/bind', { code: code.input.value.trim(), ...(called ? { name: called } : {}) });
      return true;
    },
  });
  return bound ?? false;
}
