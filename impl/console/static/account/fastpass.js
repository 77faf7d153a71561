// The fastpass: a QR code that signs my phone in.
import { withFactor } from '../lib/factor.js';
import { button, fill, focusOn, h } from '../lib/dom.js';
import { trouble } from '../lib/form.js';
import { draw } from '../lib/qr.js';
import { playedIn } from '../lib/session.js';
import { text } from '../lib/text.js';
import { poll } from '../lib/watch.js';

/** @import {Client} from '../lib/api.js' */

/**
 * @param {Client} client
 * @param {() => Promise<void>} used is called when a phone has signed in
 */
export function fastpass(client, used) {
  const said = trouble();
  const place = h('div', { class: 'qr' });
  let round = new AbortController();

  /** @param {string} [note] */
  function idle(note) {
    round.abort();
    fill(place, note && h('p', { role: 'status' }, note), button(note ? text.fastpassAnother : text.fastpassShow, make, { class: note ? '' : 'primary' }));
  }

  async function make() {
    round.abort();
    round = new AbortController();
    const { signal } = round;
    said.show(undefined);
    try {
      const made = await withFactor(client, () => client.post('/api/v3/gene-fastpass-qrcode-info', { options: { scope: 'openid profile' } }));
      if (!made) return;
      const content = JSON.stringify(made);
      const picture = h('canvas', { role: 'img', 'aria-label': text.fastpassAlt });
      draw(picture, content);
      const status = h('p', { role: 'status' }, text.fastpassWaiting);
      const network = h('p', { class: 'hint', role: 'status' });
      fill(place, h('div', { class: 'qr-frame' }, picture), status, network,
        h('div', { class: 'actions' },
          h('a', { href: 'phone#fastpass=' + encodeURIComponent(content), target: playedIn() }, text.qrNoPhone),
          button(text.hide, () => { idle(); focusOn(place); }, { class: 'quiet' })));
      focusOn(place);
      await poll(() => client.get('/api/v3/get-app-login-qrcode-status', { qrcodeId: made.qrcodeId }), (s) => {
        if (s.status === 'SCANNED') fill(status, text.fastpassScanned);
        if (s.status === 'AUTHORIZED') { idle(text.fastpassUsed); void used(); }
        if (s.status === 'EXPIRED' || s.status === 'CANCELLED') idle(text.qrExpired);
      }, (away) => fill(network, away && text.unreachable), signal);
    } catch (error) {
      said.show(error);
      idle();
    }
  }

  idle();
  return h('div', {}, h('p', {}, text.fastpassWhat), said.element, place);
}
