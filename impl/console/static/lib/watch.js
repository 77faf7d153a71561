// Learning what happens to a QR code: as events, or, where events do not come through, by asking.
import { base, Refusal, refused } from './api.js';
import { anonymous } from './session.js';

/** @import {Schemas} from '../../types' */
/** @typedef {Schemas['CheckQRCodeStatusDataDto']} Status */

/** Statuses after which nothing happens any more. */
const final = new Set(['AUTHORIZED', 'CANCELLED', 'EXPIRED']);

/**
 * Waits for a time, or for the signal.
 * @param {number} seconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function wait(seconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

/**
 * Asks again and again, until there is no more to learn. While the network is away it goes on trying, and says so.
 * @param {() => Promise<Status>} ask
 * @param {(status: Status) => void} told
 * @param {(away: boolean) => void} away
 * @param {AbortSignal} signal
 */
export async function poll(ask, told, away, signal) {
  while (!signal.aborted) {
    /** @type {Status | undefined} */
    let status;
    let pause = 2;
    try {
      status = await ask();
      pause = status.interval ?? pause;
    } catch (error) {
      if (refused(error, 'qrlogin.unknown', 'fastpass.unknown')) status = { status: 'EXPIRED' }; // forgotten, long after its end
      else if (error instanceof Refusal) pause = Math.max(pause, error.retryAfter);
    }
    if (signal.aborted) return;
    away(!status);
    if (status) told(status);
    if (status && final.has(status.status)) return;
    await wait(pause, signal);
  }
}

/** How long the first event may take, in milliseconds: it is sent at once, but some proxies keep events back. */
const firstEvent = 5_000;

/**
 * Follows a login QR code.
 * @param {string} qrcodeId
 * @param {(status: Status) => void} told
 * @param {(away: boolean) => void} away
 * @param {AbortSignal} signal
 */
export function follow(qrcodeId, told, away, signal) {
  /** @type {EventSource | undefined} */
  let events;
  let failures = 0; // in a row
  const stop = new AbortController();
  const over = AbortSignal.any([signal, stop.signal]);

  function pollInstead() {
    stop.abort();
    void poll(() => anonymous.get('/api/v3/get-qrcode-status', { qrcodeId }), told, away, signal);
  }

  function connect() {
    events?.close();
    const mine = events = new EventSource(base + 'api/v3/qrcode-events?' + new URLSearchParams({ qrcodeId }));
    const silent = setTimeout(pollInstead, firstEvent);
    over.addEventListener('abort', () => clearTimeout(silent), { once: true });
    mine.addEventListener('open', () => {
      failures = 0;
      away(false);
    });
    mine.addEventListener('status', (event) => {
      clearTimeout(silent);
      /** @type {Status} */
      const status = JSON.parse(event.data);
      if (final.has(status.status)) stop.abort();
      told(status);
    });
    mine.addEventListener('error', () => {
      away(true);
      // The browser tries again by itself after a lost connection, but not after a refusal; and some proxies let no events through.
      if (mine.readyState === EventSource.CLOSED || ++failures > 1) pollInstead();
    });
  }

  over.addEventListener('abort', () => events?.close(), { once: true });
  // A connection that is lost without a word seems to be there for minutes; the device knows better.
  addEventListener('offline', () => { events?.close(); away(true); }, { signal: over });
  addEventListener('online', connect, { signal: over });
  connect();
}
