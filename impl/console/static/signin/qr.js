// Signing in by QR code: the page shows it and follows what happens to it.
import { application } from '../settings.js';
import { base } from '../lib/api.js';
import { button, eachSecond, fill, focusOn, h } from '../lib/dom.js';
import { trouble } from '../lib/form.js';
import { anonymous, playedIn } from '../lib/session.js';
import { text } from '../lib/text.js';
import { follow } from '../lib/watch.js';

/** @import {Schemas} from '../../types' */
/** @typedef {Schemas['CheckQRCodeStatusDataDto']} Status */

/**
 * @param {AbortSignal} signal
 * @param {(token: string) => void} enter
 */
export function qrPanel(signal, enter) {
  const picture = h('div', { class: 'qr-frame' });
  const status = h('div', { role: 'status', class: 'qr-status' });
  const left = h('p', { class: 'hint' });
  const network = h('p', { class: 'hint', role: 'status' });
  const problem = trouble();
  const actions = h('div', { class: 'actions' });
  let round = new AbortController();
  signal.addEventListener('abort', () => round.abort());

  /** Shows a new code in the place of the one before. */
  async function renew() {
    round.abort();
    round = new AbortController();
    const mine = round.signal;
    picture.classList.remove('over');
    problem.show(undefined);
    fill(actions);
    fill(network);
    try {
      const made = await anonymous.post('/api/v3/gene-qrcode', { type: 'MOBILE_APP' });
      if (mine.aborted || signal.aborted) return;
      const { search, searchParams } = new URL(made.url); // of the service's public name, which need not be the one in the address bar
      fill(picture, h('img', { src: base + 'api/v3/qrcode.png' + search, alt: text.qrAlt, width: 264, height: 264, onerror: () => end(text.qrFailed) }));
      fill(status, h('p', {}, text.qrWaiting));
      fill(actions, h('a', { href: 'phone#scan=' + encodeURIComponent(searchParams.get('id') ?? ''), target: playedIn() }, text.qrNoPhone));
      const ends = Date.now() + (made.expiresIn ?? 0) * 1000;
      eachSecond(() => {
        const seconds = Math.max(0, Math.round((ends - Date.now()) / 1000));
        fill(left, text.secondsLeft(seconds));
        return seconds > 0;
      }, mine);
      follow(made.qrcodeId, (s) => void told(s, mine), (away) => fill(network, away && text.unreachable), mine);
    } catch (error) {
      if (mine.aborted) return;
      problem.show(error);
      end(text.qrFailed);
    }
  }

  const another = () => button(text.qrRenew, async () => {
    await renew();
    focusOn(panel);
  });

  /** @param {string} why */
  function end(why) {
    round.abort();
    picture.classList.add('over');
    fill(left);
    fill(status, h('p', {}, why));
    fill(actions, another());
  }

  /**
   * @param {Status} s
   * @param {AbortSignal} mine
   */
  async function told(s, mine) {
    if (mine.aborted) return;
    const name = s.briefUserInfo?.displayName || text.somebody;
    switch (s.status) {
      case 'SCANNED':
        picture.classList.add('over');
        fill(actions, another()); // for who was not the one who scanned it
        fill(status, h('p', {}, text.qrScanned(name)), s.matchNumber !== undefined && h('p', {}, text.qrPick), s.matchNumber !== undefined && h('p', { class: 'match' }, String(s.matchNumber)));
        return;
      case 'CANCELLED': return end(text.qrCancelled);
      case 'EXPIRED': return end(text.qrExpired);
      case 'AUTHORIZED':
        fill(left);
        fill(status, h('p', {}, text.qrAuthorized));
        fill(actions);
        return s.ticket ? exchange(s.ticket, mine) : end(text.qrFailed);
    }
  }

  /**
   * @param {string} ticket
   * @param {AbortSignal} mine
   */
  async function exchange(ticket, mine) {
    try {
      const { access_token: token } = await anonymous.post('/api/v3/exchange-tokenset-with-qrcode-ticket', { ticket, client_id: application });
      if (token && !mine.aborted) enter(token);
    } catch (error) {
      if (mine.aborted) return;
      problem.show(error);
      end(text.qrFailed);
    }
  }

  const panel = h('div', { class: 'qr' }, picture, status, left, network, problem.element, actions);
  void renew();
  return panel;
}
