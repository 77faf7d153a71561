// My account: who I am, what guards it, where I am signed in, what has happened.
import { Client, refused } from '../lib/api.js';
import { button, fill, focusOn, h } from '../lib/dom.js';
import { trouble } from '../lib/form.js';
import { desk, leaveNote } from '../lib/session.js';
import { card, show } from '../lib/shell.js';
import { text } from '../lib/text.js';
import { activity } from './activity.js';
import { authenticators } from './authenticators.js';
import { fastpass } from './fastpass.js';
import { profile } from './profile.js';
import { recovery } from './recovery.js';
import { sessions } from './sessions.js';
import { tour } from './tour.js';

/** @param {'signedOut' | 'expired'} why */
function leave(why) {
  if (!desk.get()) return; // on the way already
  desk.clear();
  leaveNote(why);
  location.replace('./');
}

const client = new Client(desk, () => leave('expired'));

async function signOut() {
  try {
    await client.post('/api/v3/revoke-my-session', {});
  } catch (error) {
    if (!refused(error, 'account.session_unknown')) return problem.show(error); // signed out here and not there is not signed out
  }
  leave('signedOut');
}

const problem = trouble();

/**
 * A part of the page that loads by itself, can be loaded anew, and says what went wrong in its own place.
 * @param {string} title
 * @param {(client: Client, renew: () => Promise<void>) => Promise<Node[]>} make
 */
function part(title, make) {
  const said = trouble();
  const body = h('div', {}, h('p', { class: 'hint' }, text.loading));
  const element = card(title, said.element, body);
  let loaded = false;
  let newest = 0;
  const renew = async () => {
    const mine = ++newest;
    try {
      const content = await make(client, renew);
      if (mine !== newest) return; // an answer that was asked for earlier has come later
      const held = body.contains(document.activeElement);
      loaded = true;
      said.show(undefined);
      fill(body, ...content);
      if (held) focusOn(element.querySelector('h2'));
    } catch (error) {
      if (mine !== newest) return;
      said.show(error);
      if (!loaded) fill(body, button(text.tryAgain, renew)); // what was there before is better than nothing
    }
  };
  void renew();
  return { element, renew };
}

function start() {
  if (!desk.get()) return location.replace('./');
  const happened = part(text.activity, activity);
  const codes = part(text.recoveryCodes, (c, renew) => recovery(c, () => Promise.all([renew(), happened.renew()])));
  const factors = part(text.authenticators, (c, renew) => authenticators(c, () => Promise.all([renew(), codes.renew(), happened.renew()])));
  const signedIn = part(text.sessions, sessions);
  const pass = card(text.fastpass, fastpass(client, signedIn.renew));
  const own = part(text.profile, (c, renew) => profile(c, () => Promise.all([renew(), happened.renew()])));
  show('account', text.account,
    h('div', { class: 'title' }, h('h1', {}, text.account), button(text.signOut, signOut)), problem.element, tour(),
    h('div', { class: 'grid' }, own.element, factors.element, codes.element, pass, signedIn.element, happened.element));
  // A list that was loaded before somebody looked away is old news when they look again.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    void signedIn.renew();
    void happened.renew();
  });
}

// A page that the back button brings back is as it was, which may be somebody's who has signed out since.
addEventListener('pageshow', (event) => event.persisted && location.reload());
start();
