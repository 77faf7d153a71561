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

const client = new Client(phone, () => {
  phone.clear();
  waiting = deciding;
  home(text.expired);
});
const place = h('div', { class: 'handset' });
let stop = new AbortController();

/**
 * The login that is being decided about, and the one that waits for somebody to sign in.
 * @type {Scanned | undefined}
 */
let deciding;
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
  deciding = scanned;
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
  deciding = undefined;
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

/**
 * Whether a page of ours has opened this tab. A policy cuts the tie to pages of others (page.protect).
 */
function openedByUs() {
  try {
    return window.opener?.location.origin === location.origin;
  } catch {
    return false;
  }
}

/**
 * A link from the other page carries what is in its picture, for who has no second device; the address bar forgets it at once. A link
 * that somebody sent looks the same, and to follow one is not yet to scan: then the person is asked first, and nobody is told.
 */
function start() {
  const brought = new URLSearchParams(location.hash.slice(1));
  if (location.hash) history.replaceState(null, '', location.pathname);
  const scanned = understand(brought.get('scan') ?? brought.get('fastpass') ?? '');
  if (!scanned) return home();
  if (openedByUs()) return act(scanned);
  return screen(() => [card(text.linked, h('p', {}, text.linkedHint),
    h('div', { class: 'actions' }, button(text.linkedGoOn, () => act(scanned), { class: 'primary' }), button(text.cancel, () => home(), { class: 'quiet' })))]);
}

addEventListener('hashchange', start);
start();
