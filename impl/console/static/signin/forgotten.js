// A forgotten password: a code that is sent, and a new one.
import { field, form } from '../lib/form.js';
import { sentCode } from '../lib/sendcode.js';
import { text } from '../lib/text.js';

/**
 * @param {import('../lib/api.js').Client} client
 * @param {() => void} done
 */
export function forgottenForm(client, done) {
  const sent = sentCode(client, 'forgetPwd');
  const password = field(text.newPassword, { name: 'password', type: 'password', autocomplete: 'new-password', minlength: 8, maxlength: 256 }, text.passwordHint);
  return form({
    label: text.forgotten, submit: text.setPassword,
    run: async () => {
      if (!sent.sent()) return sent.ask();
      await client.post('/api/v1/system/user/forget-pwd', { ...sent.proof(), password: password.input.value });
      done();
    },
  }, sent.element, password.element);
}
