// Sending a code to an address: the address, a button that counts down until it may be sent again, the captcha where the service
// wants one, and the field for the code.
import { Refusal, refused } from './api.js';
import { captchaWhenAsked } from './captcha.js';
import { eachSecond, fill, h, once } from './dom.js';
import { field, oneTimeCode, trouble } from './form.js';
import { text } from './text.js';

/** @import {Client} from './api.js' */
/** @import {Schemas} from '../../types' */

/** An address gets one code a minute. */
const pause = 60;

/**
 * @param {Client} client
 * @param {Schemas['CaptchaUse']} use
 */
export function sentCode(client, use) {
  const address = field(text.address, { name: 'address', autocomplete: 'email', maxlength: 254, autocapitalize: 'off', spellcheck: 'false' }, text.addressHint);
  const code = field(text.sentCode, { ...oneTimeCode, pattern: '[0-9]{6}', maxlength: 6 });
  const check = captchaWhenAsked(use);
  const problem = trouble();
  const status = h('p', { role: 'status', class: 'hint' });
  const send = h('button', { type: 'button' }, text.sendCode);
  let codeID = '';
  let sentTo = '';

  const written = () => address.input.value.trim();

  /**
   * @param {string} account
   * @returns {'email' | 'phone'}
   */
  const by = (account) => (account.includes('@') ? 'email' : 'phone');

  /** @param {boolean} yes whether there is a code to be typed */
  function expect(yes) {
    code.element.hidden = !yes;
    code.input.disabled = !yes;
    code.input.value = '';
  }

  let counting = new AbortController();

  /** @param {number} seconds */
  function countDown(seconds) {
    counting.abort();
    counting = new AbortController();
    const ends = Date.now() + seconds * 1000;
    eachSecond(() => {
      const left = Math.ceil((ends - Date.now()) / 1000);
      send.disabled = left > 0;
      send.textContent = left > 0 ? text.sendAgainIn(left) : text.sendAgain;
      return left > 0;
    }, counting.signal);
  }

  /** Asks for a code, unless one is being asked for or it is too early for another. */
  const ask = () => (send.disabled ? undefined : once(send, trySend));

  async function trySend() {
    problem.show(undefined);
    if (!address.input.reportValidity()) return;
    try {
      const account = written();
      const made = await client.post('/api/v1/system/user/captcha', { type: by(account), use, account, ...check.solution() });
      codeID = made.codeID;
      sentTo = account;
      check.gone();
      expect(true);
      fill(status, text.codeSent(account, Math.round(made.expire / 60)));
      countDown(pause);
      code.input.focus();
    } catch (error) {
      if (refused(error, 'captcha.image_needed')) await check.ask();
      else if (error instanceof Refusal) await check.spent();
      if (refused(error, 'captcha.too_many')) countDown(error.retryAfter);
      problem.show(error);
    }
  }
  expect(false);
  send.addEventListener('click', ask);
  address.input.addEventListener('input', () => {
    if (!codeID || written() === sentTo) return;
    codeID = ''; // a code is good for the address that it was sent to
    expect(false);
    fill(status);
    countDown(0);
  });
  address.input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || codeID) return;
    event.preventDefault(); // there is nothing to be sent yet but the code
    void ask();
  });

  return {
    element: h('div', {}, address.element, check.element, h('div', { class: 'actions' }, send), status, problem.element, code.element),
    /** What proves that the address is the person's. */
    proof: () => ({ type: by(sentTo), account: sentTo, codeID, code: code.input.value.trim() }),
    /** Whether a code is on its way. */
    sent: () => codeID !== '',
    ask,
  };
}
