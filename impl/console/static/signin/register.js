// A new account: a name and a password, and in it goes.
import { field, form } from '../lib/form.js';
import { signIn } from '../lib/password.js';
import { anonymous } from '../lib/session.js';
import { text } from '../lib/text.js';

/** @param {import('../lib/password.js').Next} next */
export function registerForm(next) {
  const name = field(text.userName, { name: 'username', autocomplete: 'username', maxlength: 64, autocapitalize: 'off', spellcheck: 'false' }, text.userNameHint);
  const password = field(text.password, { name: 'password', type: 'password', autocomplete: 'new-password', minlength: 8, maxlength: 256 }, text.passwordHint);
  let made = ''; // who was registered, although the sign-in after it did not come through
  return form({
    label: text.register, submit: text.registerNow,
    run: async () => {
      const username = name.input.value.trim();
      if (made !== username) await anonymous.post('/user/register', { username, password: password.input.value });
      made = username;
      await signIn(() => anonymous.post('/api/v1/system/user/login', {
        account: username, loginType: 'pwd', pwdType: 1, password: password.input.value,
      }), next);
    },
  }, name.element, password.element);
}
