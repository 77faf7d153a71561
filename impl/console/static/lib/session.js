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
    set: (token) => sessionStorage.setItem(name, token),
    clear: () => sessionStorage.removeItem(name),
  };
}

export const desk = keeper('menshen.desk');
export const phone = keeper('menshen.phone');

/** The tab that plays the phone: always the same one, so that who is signed in there stays so. */
export const phoneTab = 'menshen-phone';

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
