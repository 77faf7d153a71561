// Where I am signed in, and an end to it.
import { button, h } from '../lib/dom.js';
import { trouble } from '../lib/form.js';
import { device, moment, text } from '../lib/text.js';
import { refused } from '../lib/api.js';

/** @import {Client} from '../lib/api.js' */

/**
 * @param {Client} client
 * @param {() => Promise<void>} renew
 */
export async function sessions(client, renew) {
  const { list } = await client.get('/api/v3/list-my-sessions');
  const said = trouble();

  /** @param {string} sessionId */
  async function end(sessionId) {
    try {
      await client.post('/api/v3/revoke-my-session', { sessionId });
    } catch (error) {
      if (!refused(error, 'account.session_unknown')) return said.show(error);
    }
    await renew();
  }

  return [said.element, h('ul', { class: 'list' }, ...list.map((s) => {
    const name = device(s);
    return h('li', {},
      h('div', {},
        h('strong', {}, name), s.current && h('span', { class: 'badge' }, text.thisSession), s.mfa && h('span', { class: 'badge' }, text.withFactor),
        h('p', { class: 'hint' }, [s.appName, s.ip, moment(s.createdAt)].filter(Boolean).join(' · '))),
      !s.current && button(text.endSession, () => end(s.sessionId), { 'aria-label': text.endSessionOf(name) }));
  }))];
}
