// A login that somebody asks for on another screen: who, from where, since when; and yes or no.
import { withFactor } from '../lib/factor.js';
import { button, fill, h } from '../lib/dom.js';
import { trouble } from '../lib/form.js';
import { card } from '../lib/shell.js';
import { moment, text } from '../lib/text.js';

/** @import {Client} from '../lib/api.js' */
/** @import {Schemas} from '../../types' */

/**
 * @param {Client} client
 * @param {string} qrcodeId
 * @param {(note?: string) => void} home
 */
export function decide(client, qrcodeId, home) {
  const said = trouble();
  const body = h('div', {}, h('p', { role: 'status' }, text.loading));
  const back = button(text.back, () => home(), { class: 'quiet' });

  /**
   * Takes a step, and comes home with a note; a refusal stays on the screen.
   * @param {Schemas['ChangeQRCodeStatusDto']} step
   * @param {string} note
   */
  async function take(step, note) {
    said.show(undefined);
    try {
      if (await withFactor(client, () => client.post('/api/v3/set-qrcode-status', step))) home(note);
    } catch (error) {
      fill(body, back);
      said.show(error);
    }
  }

  /** @param {Schemas['QRCodeLoginDto']} login */
  function ask(login) {
    const device = [login.browser || text.unknownDevice, login.os].filter(Boolean).join(', ');
    const yes = login.numbers
      ? [h('p', { id: 'pick' }, text.pickNumber), h('div', { class: 'numbers', role: 'group', 'aria-labelledby': 'pick' },
        ...login.numbers.map((number) => button(String(number), () => take({ qrcodeId, action: 'CONFIRM', number }, text.confirmed))))]
      : [button(text.confirmLogin, () => take({ qrcodeId, action: 'CONFIRM' }, text.confirmed), { class: 'primary' })];
    fill(body,
      h('p', {}, text.somebodyAsks(login.appName)),
      h('dl', {}, ...[[text.device, device], [text.addressOf, login.ip], [text.askedAt, moment(login.createdAt)]].map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', {}, value)))),
      h('p', { class: 'hint' }, text.onlyYours),
      ...yes,
      button(text.decline, () => take({ qrcodeId, action: 'CANCEL' }, text.declined), { class: 'danger' }));
    body.querySelector('button')?.focus();
  }

  async function scan() {
    try {
      const step = await withFactor(client, () => client.post('/api/v3/set-qrcode-status', { qrcodeId, action: 'SCAN' }));
      if (!step?.login) return home();
      ask(step.login);
    } catch (error) {
      fill(body, back);
      said.show(error);
    }
  }
  void scan();
  return card(text.confirmLogin, said.element, body);
}
