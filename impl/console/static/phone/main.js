// The phone: a page that plays the mobile app of whoever runs this service.
import { Client } from '../lib/api.js';
import { button, fill, h } from '../lib/dom.js';
import { trouble } from '../lib/form.js';
import { factorForm, passwordForm } from '../lib/password.js';
import { phone } from '../lib/session.js';
import { card, show } from '../lib/shell.js';
import { text } from '../lib/text.js';
import { redeem } from './fastpass.js';
import { decide } from './login.js';
import { understand } from './payload.js';
import { scanner } from './scan.js';

/** @import {Scanned} from './payload.js' */

const client = new Client(phone, () => { phone.clear(); home(text.expired); });
const place = h('div', { class: 'handset' });
let stop = new AbortController();

/** What was scanned before anybody was signed in. */
/** @type {Scanned | undefined} */
let waiting;

/**
 * Puts something on the screen; what was there before stops.
 * @param {(signal: AbortSignal) => Node[]} make
 */
function screen(make) {
  stop.abort();
  stop = new AbortController();
  fill(place, ...make(stop.signal));
}

/** @param {Scanned} scanned */
function act(scanned) {
  if (scanned.kind === 'fastpass') return screen(() => [redeem(client, scanned, enter, home)]);
  if (phone.get()) return screen(() => [decide(client, scanned.id, home)]);
  waiting = scanned;
  return home(text.signInToGoOn);
}

/** @param {string} token */
function enter(token) {
  phone.set(token);
  const next = waiting;
  waiting = undefined;
  if (next) return act(next);
  return home(text.phoneSignedIn);
}

/** @param {string} mfaToken */
function askForFactor(mfaToken) {
  const step = factorForm(mfaToken, { done: enter, again: (error) => home(error.message) });
  screen(() => [h('div', { class: 'card' }, step.element, button(text.back, () => home(), { class: 'link' }))]);
  step.focus();
}

async function signOut() {
  await client.post('/api/v3/revoke-my-session', {});
  phone.clear();
  home(text.signedOut);
}

/**
 * The first screen: scan, and sign in or out.
 * @param {string} [note]
 */
function home(note) {
  const said = trouble();
  screen((signal) => [
    h('p', { role: 'status', class: 'note' }, note),
    card(text.scan, scanner(signal, (content) => {
      const scanned = understand(content);
      if (!scanned) return text.notOurs;
      act(scanned);
      return '';
    })),
    phone.get()
      ? h('div', { class: 'actions' }, button(text.signOut, () => signOut().catch(said.show), { class: 'quiet' }), said.element)
      : card(text.phoneSignIn, h('p', {}, text.phoneSignInHint), passwordForm({ done: enter, factor: askForFactor })),
  ]);
}

show('phone', text.phone, h('h1', {}, text.phone), h('p', { class: 'lead' }, text.phoneIntro), place);

/** A link from the other page carries what is in its picture, for who has no second device; the address bar forgets it at once. */
function start() {
  const brought = new URLSearchParams(location.hash.slice(1));
  if (location.hash) history.replaceState(null, '', location.pathname);
  const scanned = understand(brought.get('scan') ?? brought.get('fastpass') ?? '');
  if (scanned) act(scanned);
  else home();
}

addEventListener('hashchange', start);
start();
