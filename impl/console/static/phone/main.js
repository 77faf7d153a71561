// The phone: a page that plays the mobile app of whoever runs this service.
import { Client } from '../lib/api.js';
import { button, fill, h } from '../lib/dom.js';
import { trouble } from '../lib/form.js';
import { factorForm, passwordForm } from '../lib/password.js';
import { desk, pending, phone } from '../lib/session.js';
import { card, show, tell, turn } from '../lib/shell.js';
import { text } from '../lib/text.js';
import { redeem } from './fastpass.js';
import { decide } from './login.js';
import { understand } from './payload.js';
import { scanner } from './scan.js';

/** @import {Scanned} from './payload.js' */

const client = new Client(phone, () => {
  phone.clear();
  home(pending.get() ? text.signInToGoOn : text.expired);
});
const place = h('div', { class: 'handset' });
let stop = new AbortController();

/**
 * Puts something on the screen; what was there before stops, and so do its questions.
 * @param {(signal: AbortSignal) => Node[]} make
 */
function screen(make) {
  stop.abort();
  stop = new AbortController();
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  turn(place, ...make(stop.signal));
}

/** @param {Scanned} scanned */
function act(scanned) {
  tell();
  if (scanned.kind === 'fastpass') return screen((signal) => [redeem(scanned, signal, enter, done)]);
  pending.set(scanned.id); // until it is decided: over a reload, or a sign-in
  if (!phone.get()) return home(text.signInToGoOn);
  return screen((signal) => [decide(client, scanned.id, signal, done)]);
}

/**
 * What was scanned is over.
 * @param {string} [note]
 */
function done(note) {
  pending.clear();
  home(note);
}

/** @param {string} token */
async function enter(token) {
  if (phone.get()) await end().catch(() => {}); // it ends by itself, but not before a working day
  phone.set(token);
  const id = pending.get();
  if (id) return act({ kind: 'login', id });
  return home(text.phoneSignedIn);
}

/** @param {string} mfaToken */
function askForFactor(mfaToken) {
  const step = factorForm(mfaToken, { done: enter, again: (error) => home(error.message) });
  screen(() => [h('div', { class: 'card' }, step.element, button(text.back, () => done(), { class: 'link' }))]);
  step.focus();
}

/** Ends the session of who is signed in here. */
const end = () => client.post('/api/v3/revoke-my-session', {});

async function signOut() {
  await end();
  phone.clear();
  done(text.signedOut);
}

/** Who is signed in, and a way out. */
function person() {
  const said = trouble();
  const name = h('p', {}, text.loading);
  client.get('/api/v3/get-profile').then((me) => fill(name, text.signedInAs(me.username || me.email || me.phone || text.somebody)), said.show);
  return card(text.signedInAlready, name, said.element, button(text.signOut, () => signOut().catch(said.show), { class: 'quiet' }));
}

/**
 * The first screen: scan, and sign in or out.
 * @param {string} [note]
 */
function home(note) {
  screen((signal) => [
    card(text.scan, scanner(signal, (content) => {
      const scanned = understand(content);
      if (!scanned) return text.notOurs;
      act(scanned);
      return '';
    })),
    phone.get() ? person() : card(text.phoneSignIn, h('p', {}, text.phoneSignInHint), passwordForm({ done: enter, factor: askForFactor })),
  ]);
  tell(note);
}

/** Whether a page of ours has opened this tab. The pages' headers cut the tie to pages of others (Cross-Origin-Opener-Policy). */
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
  const content = brought.get('scan') ?? brought.get('fastpass');
  if (content !== null) history.replaceState(null, '', location.pathname);
  const id = pending.get();
  const scanned = content !== null ? understand(content) : id ? /** @type {Scanned} */ ({ kind: 'login', id }) : undefined;
  if (!scanned) return home();
  if (content === null || openedByUs()) return act(scanned);
  return screen(() => [card(text.linked, h('p', {}, text.linkedHint),
    h('div', { class: 'actions' }, button(text.linkedGoOn, () => act(scanned), { class: 'primary' }), button(text.cancel, () => home(), { class: 'quiet' })))]);
}

show('phone', text.phone, h('h1', {}, text.phone), h('p', { class: 'lead' }, text.phoneIntro), place);
// A tab that the desk opens begins with a copy of what the desk keeps. The phone is somebody else, and has not begun before.
if (openedByUs() && phone.begins()) desk.clear();
addEventListener('hashchange', () => /^#(scan|fastpass)=/.test(location.hash) && start());
addEventListener('pageshow', (event) => event.persisted && location.reload());
start();
