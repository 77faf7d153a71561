// The image captcha: a picture, the same as sound, and another one when it cannot be read.
import { anonymous } from './session.js';
import { button, fill, h } from './dom.js';
import { field, trouble } from './form.js';
import { text } from './text.js';

/** @import {Schemas} from '../../types' */

/**
 * @param {Schemas['CaptchaUse']} use
 */
export function captcha(use) {
  let codeID = '';
  const shown = h('div', { class: 'captcha-shown' });
  const problem = trouble();
  const answer = field(text.captchaAnswer, { name: 'captcha', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', maxlength: 32 });

  /** @param {boolean} audio */
  async function load(audio) {
    answer.input.value = '';
    problem.show(undefined);
    try {
      const made = await anonymous.post('/api/v1/system/user/captcha', { type: 'image', use, audio });
      codeID = made.codeID;
      if (!audio) fill(shown, h('img', { src: made.url, alt: text.captchaAlt, width: 240, height: 80 }));
      else fill(shown, h('audio', { src: made.url, controls: true, autoplay: true, 'aria-label': text.captchaAudio }));
    } catch (error) {
      fill(shown);
      problem.show(error);
    }
  }

  const another = button(text.captchaAnother, () => load(false), { class: 'quiet' });
  const listen = button(text.captchaListen, () => load(true), { class: 'quiet' });
  const element = h('div', { class: 'captcha' }, shown, h('div', { class: 'actions' }, another, listen), problem.element, answer.element);
  return {
    element,
    /** Shows a new picture and puts the cursor below it. */
    async renew() {
      await load(false);
      answer.input.focus();
    },
    /** What the person has read, for the request that needs it. */
    solution: () => ({ codeID, code: answer.input.value.trim() }),
  };
}

/**
 * A place where a captcha appears when the service asks for one. Each one is good for one try.
 * @param {Schemas['CaptchaUse']} use
 */
export function captchaWhenAsked(use) {
  const element = h('div');
  /** @type {ReturnType<typeof captcha> | undefined} */
  let current;
  return {
    element,
    solution: () => current?.solution() ?? {},
    /** @returns {Promise<void>} */
    async ask() {
      if (!current) {
        current = captcha(use);
        fill(element, current.element);
      }
      await current.renew();
    },
    /** The one that is shown was used up by a try. */
    async spent() {
      await current?.renew();
    },
    gone() {
      current = undefined;
      fill(element);
    },
  };
}
