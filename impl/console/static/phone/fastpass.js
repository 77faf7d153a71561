// A fastpass that was scanned: it signs this phone in to one of the applications.
import { Client, refused } from '../lib/api.js';
import { button, fill, focusOn, h } from '../lib/dom.js';
import { trouble } from '../lib/form.js';
import { anonymous, phone } from '../lib/session.js';
import { card } from '../lib/shell.js';
import { text } from '../lib/text.js';

/** @import {Scanned} from './payload.js' */

/**
 * @param {Extract<Scanned, {kind: 'fastpass'}>} pass
 * @param {AbortSignal} signal when it comes, something else is on the screen
 * @param {(token: string) => void} enter
 * @param {(note?: string) => void} done
 */
export function redeem(pass, signal, enter, done) {
  const said = trouble();
  const body = h('div', {}, h('p', { role: 'status' }, text.loading));
  const section = card(text.fastpass, body, said.element);
  const back = button(text.back, () => done(), { class: 'quiet' });

  /**
   * @param {unknown} error
   * @param {...Node} again
   */
  function fail(error, ...again) {
    if (signal.aborted) return;
    if (refused(error, 'fastpass.not_redeemable', 'fastpass.unknown')) fill(body, back);
    else if (again.length) fill(body, ...again, back);
    said.show(error);
  }

  /** @param {string} application */
  async function use(application) {
    said.show(undefined);
    try {
      const { access_token: token } = await anonymous.post('/api/v3/qrcode-app-login', { action: 'APP_LOGIN', qrcodeId: pass.id }, { application });
      if (!token) return;
      if (!signal.aborted) return enter(token);
      // Nobody waits for it any more, and it must not go on without anybody.
      await new Client({ get: () => token, set: () => {}, clear: () => {} }).post('/api/v3/revoke-my-session', {});
    } catch (error) {
      fail(error);
    }
  }

  /** Who it signs in, says the service: whoever made the picture could write any name into it. */
  async function choose() {
    said.show(undefined);
    try {
      const { relationApps } = await anonymous.get('/api/v3/get-fastpass-client-apps', { qrcodeId: pass.id, appId: pass.appId });
      const { briefUserInfo } = await anonymous.get('/api/v3/get-app-login-qrcode-status', { qrcodeId: pass.id });
      if (signal.aborted) return;
      fill(body,
        h('p', {}, text.fastpassOf(briefUserInfo?.displayName || text.somebody)),
        phone.get() !== null && h('p', { class: 'hint' }, text.fastpassReplaces),
        h('div', { class: 'choices' }, ...relationApps.map((app) => button(text.signInTo(app.name), () => use(app.id), { class: app.id === pass.appId ? 'primary' : '' }))),
        back);
      focusOn(body);
    } catch (error) {
      fail(error, button(text.tryAgain, choose, { class: 'primary' }));
    }
  }
  void choose();
  return section;
}
