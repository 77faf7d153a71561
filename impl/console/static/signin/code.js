// Signing in with a code that is sent by e-mail or SMS.
import { form } from '../lib/form.js';
import { signIn } from '../lib/password.js';
import { sentCode } from '../lib/sendcode.js';
import { anonymous } from '../lib/session.js';
import { text } from '../lib/text.js';

/** @param {import('../lib/password.js').Next} next */
export function codeForm(next) {
  const sent = sentCode(anonymous, 'login');
  return form({
    label: text.byCode, submit: text.signIn,
    run: async () => {
      if (!sent.sent()) return sent.ask();
      const { type, ...proof } = sent.proof();
      await signIn(() => anonymous.post('/api/v1/system/user/login', { loginType: type, ...proof }), next);
    },
  }, sent.element);
}
