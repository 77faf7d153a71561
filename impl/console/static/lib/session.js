// Where a token is kept: in sessionStorage, which is this tab's own and ends with it, and which a reload survives. The desk and the
// phone are two people here, so each has a place of its own.
import { Client } from './api.js';

/** @import {TokenKeeper} from '../../types' */

/**
 * @param {string} name
 * @returns {TokenKeeper}
 */
function keeper(name) {
  return {
    get: () => sessionStorage.getItem(name),
    set: (value) => sessionStorage.setItem(name, value),
    clear: () => sessionStorage.removeItem(name),
  };
}

export const desk = keeper('menshen.desk');
const begun = keeper('menshen.begun');
export const phone = {
  ...keeper('menshen.phone'),
  /** Whether this tab is a phone for the first time. */
  begins() {
    const first = !begun.get();
    begun.set('1');
    return first;
  },
};

/** The login that the phone has scanned and not decided about. */
export const pending = keeper('menshen.pending');

/** The tab that plays the phone: always the same one, so that who is signed in there stays so; but not the one that asks. */
const phoneTab = 'menshen-phone';
export const playedIn = () => (window.name === phoneTab ? '_blank' : phoneTab);

/** What the next page says first; it is said once. */
const noteName = 'menshen.note';

/** @param {'signedOut' | 'expired'} note */
export function leaveNote(note) {
  sessionStorage.setItem(noteName, note);
}

/** @returns {string | null} */
export function takeNote() {
  const note = sessionStorage.getItem(noteName);
  sessionStorage.removeItem(noteName);
  return note;
}

/** A client for who is not signed in. */
export const anonymous = new Client({ get: () => null, set: () => {}, clear: () => {} });
