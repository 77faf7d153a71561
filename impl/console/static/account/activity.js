// What has happened to the account.
import { h } from '../lib/dom.js';
import { moment, text } from '../lib/text.js';

/** @import {Client} from '../lib/api.js' */
/** @import {Schemas} from '../../types' */

/** @param {Client} client */
export async function activity(client) {
  const { list } = await client.get('/api/v3/list-my-activity', { limit: 20 });
  return [h('ol', { class: 'list' }, ...list.map((e) => h('li', {},
    h('div', {},
      h('strong', {}, what(e)), e.outcome === 'refused' && h('span', { class: 'badge bad' }, text.refused),
      h('p', { class: 'hint' }, [text.actors[e.actor], e.ip, moment(e.time)].filter(Boolean).join(' · '))))))];
}

/**
 * What happened, in words; an action that this page does not know yet is better named than left out.
 * @param {Schemas['MyActivityDto']} event
 */
function what(event) {
  const words = /** @type {Record<string, string>} */ (text.actions);
  return words[event.action] ?? event.action;
}
