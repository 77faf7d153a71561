// Signing in with a password, and with the authenticator's code where one is bound. The desk does it, and so does a phone.
import { Refusal, refused } from './api.js';
import { captchaWhenAsked } from './captcha.js';
import { factorField } from './factor.js';
import { h } from './dom.js';
import { field, form } from './form.js';
import { anonymous } from './session.js';
import { text } from './text.js';

/**
 * What a sign-in leads to: a token, or a code that comes next.
 * @typedef {{done: (token: string) => void, factor: (mfaToken: string) => void}} Next
 */

/**
 * Sends a sign-in, and takes the way that the answer shows.
 * @param {() => Promise<{token: {accessToken: string}}>} send
 * @param {Next} next
 */
export async function signIn(send, next) {
  try {
    next.done((await send()).token.accessToken);
  } catch (error) {
    if (!refused(error, 'account.code_required') || !error.mfaToken) throw error;
    next.factor(error.mfaToken);
  }
}

/** @param {Next} next */
export function passwordForm(next) {
  const account = field(text.accountName, { name: 'account', autocomplete: 'username', maxlength: 254, autocapitalize: 'off', spellcheck: 'false' });
  const password = field(text.password, { name: 'password', type: 'password', autocomplete: 'current-password', maxlength: 256 });
  const check = captchaWhenAsked('login');
  return form({
    label: text.byPassword, submit: text.signIn,
    run: async () => {
      try {
        await signIn(() => anonymous.post('/api/v1/system/user/login', {
          account: account.input.value.trim(), loginType: 'pwd', pwdType: 1, password: password.input.value, ...check.solution(),
        }), next);
      } catch (error) {
        if (refused(error, 'captcha.image_needed')) await check.ask();
        else if (error instanceof Refusal) await check.spent();
        throw error;
      }
    },
  }, account.element, password.element, check.element);
}

/**
 * The step after the password, or the code that was sent.
 * @param {string} mfaToken
 * @param {{done: (token: string) => void, again: (error: Error) => void}} next again is for a sign-in that took too long
 */
export function factorForm(mfaToken, next) {
  const factor = factorField();
  const element = h('section', {}, h('h2', {}, text.factorNeeded), form({
    label: text.factorNeeded, submit: text.signIn,
    run: async () => {
      try {
        const made = await anonymous.post('/api/v1/system/user/login-mfa', { mfaToken, code: factor.value() });
        next.done(made.token.accessToken);
      } catch (error) {
        if (refused(error, 'account.mfa_token')) next.again(error);
        else throw error;
      }
    },
  }, factor.element));
  return { element, focus: factor.focus };
}
