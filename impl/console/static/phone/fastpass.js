// A fastpass that was scanned: it signs this phone in to one of the applications.
import { button, fill, h } from '../lib/dom.js';
import { trouble } from '../lib/form.js';
import { card } from '../lib/shell.js';
import { text } from '../lib/text.js';

/** @import {Client} from '../lib/api.js' */
/** @import {Scanned} from './payload.js' */

/**
 * @param {Client} client
 * @param {Extract<Scanned, {kind: 'fastpass'}>} pass
 * @param {(token: string) => void} enter
 * @param {(note?: string) => void} home
 */
export function redeem(client, pass, enter, home) {
  const said = trouble();
  const body = h('div', {}, h('p', { role: 'status' }, text.loading));
  const back = button(text.back, () => home(), { class: 'quiet' });

  /** @param {string} application */
  async function use(application) {
    try {
      const tokens = await client.post('/api/v3/qrcode-app-login', { action: 'APP_LOGIN', qrcodeId: pass.id }, { application });
      enter(tokens.access_token ?? '');
    } catch (error) {
      fill(body, back);
      said.show(error);
    }
  }

  async function choose() {
    try {
      const { relationApps } = await client.get('/api/v3/get-fastpass-client-apps', { qrcodeId: pass.id, appId: pass.appId });
      fill(body,
        h('p', {}, text.fastpassOf(pass.name || text.somebody)),
        h('div', { class: 'choices' }, ...relationApps.map((app) => button(text.signInTo(app.name), () => use(app.id), { class: app.id === pass.appId ? 'primary' : '' }))),
        back);
      body.querySelector('button')?.focus();
    } catch (error) {
      fill(body, back);
      said.show(error);
    }
  }
  void choose();
  return card(text.fastpass, said.element, body);
}
