// Who I am, and the addresses that codes can be sent to.
import { ask } from '../lib/factor.js';
import { button, h } from '../lib/dom.js';
import { sentCode } from '../lib/sendcode.js';
import { moment, text } from '../lib/text.js';

/** @import {Client} from '../lib/api.js' */

/**
 * A term and what it is.
 * @param {string} term
 * @param {string | undefined} value
 */
const row = (term, value) => h('div', {}, h('dt', {}, term), h('dd', {}, value || '–'));

/**
 * @param {Client} client
 * @param {() => Promise<unknown>} changed
 */
export async function profile(client, changed) {
  const me = await client.get('/api/v3/get-profile');
  const phone = me.phone && (me.phoneCountryCode ?? '') + ' ' + me.phone;
  return [
    h('dl', {}, row(text.userName, me.username), row(text.email, me.email), row(text.phoneNumber, phone), row(text.since, moment(me.createdAt))),
    button(text.bindAddress, () => bind(client, changed)),
  ];
}

/**
 * Makes an address the user's own.
 * @param {Client} client
 * @param {() => Promise<unknown>} changed
 */
async function bind(client, changed) {
  const sent = sentCode(client, 'bindAccount');
  const bound = await ask({
    title: text.bindAddress, submit: text.confirm, content: [sent.element],
    run: async () => {
      if (!sent.sent()) throw new Error(text.sendFirst);
      await client.post('/api/v1/system/user/bind-account', sent.proof());
      return true;
    },
  });
  if (bound) await changed();
}
