// A login that somebody asks for on another screen: who, from where, since when; and yes or no.
import { refused } from '../lib/api.js';
import { withFactor } from '../lib/factor.js';
import { button, fill, focusOn, h } from '../lib/dom.js';
import { trouble } from '../lib/form.js';
import { card } from '../lib/shell.js';
import { device, moment, text } from '../lib/text.js';

/** @import {Client} from '../lib/api.js' */
/** @import {Schemas} from '../../types' */

/**
 * @param {Client} client
 * @param {string} qrcodeId
 * @param {AbortSignal} signal when it comes, something else is on the screen
 * @param {(note?: string) => void} done
 */
export function decide(client, qrcodeId, signal, done) {
  const said = trouble();
  const body = h('div', {}, h('p', { role: 'status' }, text.loading));
  const section = card(text.confirmLogin, body, said.element);
  const back = () => button(text.back, () => done(), { class: 'quiet' });

  /**
   * Says why a step was not taken. After some refusals there is nothing to decide any more; after all else it can be tried again.
   * @param {unknown} error
   * @param {...Node} again
   */
  function fail(error, ...again) {
    if (signal.aborted) return;
    if (refused(error, 'qrlogin.expired', 'qrlogin.number', 'qrlogin.state', 'qrlogin.unknown')) fill(body, back());
    else if (again.length) fill(body, ...again);
    said.show(error);
  }

  /**
   * @param {Schemas['ChangeQRCodeStatusDto']} step
   * @param {string} note
   */
  async function take(step, note) {
    said.show(undefined);
    try {
      const taken = await withFactor(client, () => client.post('/api/v3/set-qrcode-status', step));
      if (taken && !signal.aborted) done(note);
    } catch (error) {
      fail(error);
    }
  }

  /** @param {Schemas['QRCodeLoginDto']} login */
  function ask(login) {
    const yes = login.numbers
      ? [h('p', { id: 'pick' }, text.pickNumber), h('div', { class: 'numbers', role: 'group', 'aria-labelledby': 'pick' },
        ...login.numbers.map((number) => button(String(number), () => take({ qrcodeId, action: 'CONFIRM', number }, text.confirmed))))]
      : [button(text.confirmLogin, () => take({ qrcodeId, action: 'CONFIRM' }, text.confirmed), { class: 'primary' })];
    fill(body,
      h('p', {}, text.somebodyAsks(login.appName)),
      h('dl', {}, ...[[text.device, device(login)], [text.addressOf, login.ip], [text.askedAt, moment(login.createdAt)]].map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', {}, value)))),
      h('p', { class: 'hint' }, text.onlyYours),
      ...yes,
      button(text.decline, () => take({ qrcodeId, action: 'CANCEL' }, text.declined), { class: 'danger' }));
    focusOn(body); // not on an answer: a key that is still held down would give it
  }

  async function scan() {
    said.show(undefined);
    try {
      const step = await withFactor(client, () => client.post('/api/v3/set-qrcode-status', { qrcodeId, action: 'SCAN' }));
      if (signal.aborted) return;
      if (step?.login) ask(step.login);
      else done();
    } catch (error) {
      fail(error, button(text.tryAgain, scan, { class: 'primary' }), back());
    }
  }
  void scan();
  return section;
}
