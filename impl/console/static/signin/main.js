// The sign-in page: password, a code that is sent, or a QR code; a new account; a forgotten password.
import { Client } from '../lib/api.js';
import { button, fill, h } from '../lib/dom.js';
import { trouble } from '../lib/form.js';
import { factorForm, passwordForm } from '../lib/password.js';
import { anonymous, desk, takeNote } from '../lib/session.js';
import { card, show, tell, turn } from '../lib/shell.js';
import { tabs } from '../lib/tabs.js';
import { text } from '../lib/text.js';
import { codeForm } from './code.js';
import { forgottenForm } from './forgotten.js';
import { qrPanel } from './qr.js';
import { registerForm } from './register.js';

const place = h('div', { class: 'narrow' });

/** @param {string} token */
function enter(token) {
  desk.set(token);
  location.assign('account');
}

/** @param {string} mfaToken */
function askForFactor(mfaToken) {
  const step = factorForm(mfaToken, { done: enter, again: (error) => choices('password', error) });
  fill(place, h('div', { class: 'card' }, step.element, button(text.back, () => choices(), { class: 'link' })));
  step.focus();
}

/**
 * Shows the ways to sign in.
 * @param {string} [first]
 * @param {Error | string} [note]
 */
function choices(first, note) {
  const next = { done: enter, factor: leave(askForFactor) };
  const said = trouble();
  const ways = tabs(text.waysToSignIn, [
    { name: 'password', label: text.byPassword, show: () => h('div', {}, passwordForm(next), button(text.forgotten, leave(forgotten), { class: 'link' })) },
    { name: 'code', label: text.byCode, show: () => codeForm(next) },
    { name: 'qr', label: text.byQR, show: (signal) => qrPanel(signal, enter) },
  ], first);
  turn(place, card(text.signIn, said.element, ways.element), h('p', { class: 'aside' }, text.noAccount, ' ', button(text.register, leave(register), { class: 'link' })));
  if (note instanceof Error) said.show(note);
  else tell(note);

  /**
   * @template {unknown[]} A
   * @param {(...a: A) => void} go
   */
  function leave(go) {
    return (/** @type {A} */ ...a) => {
      ways.stop(); // nobody looks at the QR code any more
      go(...a);
    };
  }
}

function register() {
  turn(place, card(text.register, registerForm({ done: enter, factor: askForFactor })), h('p', { class: 'aside' }, button(text.haveAccount, () => choices(), { class: 'link' })));
  place.querySelector('input')?.focus();
}

function forgotten() {
  turn(place, card(text.forgotten, forgottenForm(anonymous, () => choices('password', text.passwordChanged))), h('p', { class: 'aside' }, button(text.back, () => choices(), { class: 'link' })));
  place.querySelector('input')?.focus();
}

/** Ends a session that is good but too old for something. */
async function again() {
  try {
    await new Client(desk).post('/api/v3/revoke-my-session', {});
  } catch {
    // it ends by itself, and a new one is what matters
  }
  desk.clear();
  choices('password');
}

function start() {
  show('signin', text.signIn, h('h1', {}, text.whoAreYou), h('p', { class: 'lead' }, text.intro), place);
  if (desk.get() && location.hash === '#again') return void again();
  if (desk.get()) {
    fill(place, card(text.signedInAlready, h('p', {}, h('a', { href: 'account', class: 'primary' }, text.toAccount))));
    return;
  }
  const note = takeNote();
  choices(location.hash.slice(1), note === 'signedOut' ? text.signedOut : note === 'expired' ? text.expired : undefined);
}

// A page that the back button brings back is shown as it was, which may be somebody's who has signed in or out since.
addEventListener('pageshow', (event) => event.persisted && location.reload());
start();
