// How the console calls the service: the public operations, as any front end can. Refusals are asked for as problem details
// (RFC 9457), so that the dialects' three ways to refuse are one here.
import { application } from '../settings.js';
import { language, text } from './text.js';

/** @import {Body, GetData, GetPath, PostData, PostPath, Problem, Query, TokenKeeper} from '../../types' */

/** A refusal: the service has answered, and said no. */
export class Refusal extends Error {
  /**
   * @param {Problem} problem
   * @param {number} retryAfter seconds; 0 for unknown
   */
  constructor(problem, retryAfter) {
    super(problem.title);
    this.name = 'Refusal';
    this.code = problem.code;
    this.mfaToken = problem.mfaToken;
    this.retryAfter = retryAfter;
  }
}

/** Nothing has come back: the network is away, or the service. */
export class Unreachable extends Error {
  constructor() {
    super(text.unreachable);
    this.name = 'Unreachable';
  }
}

/** The codes that mean: sign in again. */
const signedOut = new Set(['auth.required', 'auth.token_expired', 'auth.token_invalid']);

/**
 * Tells whether an error is a refusal with one of these codes.
 * @param {unknown} error
 * @param {...string} codes
 * @returns {error is Refusal}
 */
export function refused(error, ...codes) {
  return error instanceof Refusal && codes.includes(error.code);
}

/** Where the service is, seen from here: a proxy may have put it below a path of its own. */
export const base = new URL('../../', import.meta.url).pathname;

/** Each family of paths has its own names for the same two headers. */
const families = [
  { prefix: '/api/v1/', token: 'iThings-token', app: 'iThings-app-code' },
  { prefix: '/api/v3/', token: 'authorization', app: 'x-authing-app-id' },
  { prefix: '/', token: 'Access-Token', app: '' },
];

/** How long an answer may take, in milliseconds: more than the service takes at most, and less than a person waits. */
const patience = 15_000;

export class Client {
  /**
   * @param {TokenKeeper} keeper
   * @param {() => void} onSignedOut is called when the token is no longer taken
   */
  constructor(keeper, onSignedOut = () => {}) {
    this.keeper = keeper;
    this.onSignedOut = onSignedOut;
  }

  /**
   * @template {GetPath} P
   * @param {P} path
   * @param {Query<P>} [query]
   * @returns {Promise<GetData<P>>}
   */
  get(path, query) {
    const search = new URLSearchParams(/** @type {Record<string, string>} */ (query ?? {})).toString();
    return this.#call('GET', path, search && '?' + search);
  }

  /**
   * @template {PostPath} P
   * @param {P} path
   * @param {Body<P>} body
   * @param {{application?: string}} [as] the application that the call belongs to; by default the console's
   * @returns {Promise<PostData<P>>}
   */
  post(path, body, as = {}) {
    return this.#call('POST', path, '', JSON.stringify(body ?? {}), as.application);
  }

  /**
   * @param {'GET' | 'POST'} method
   * @param {string} path
   * @param {string} search
   * @param {string} [body]
   * @param {string} [app]
   */
  async #call(method, path, search, body, app = application) {
    const family = families.find((f) => path.startsWith(f.prefix)) ?? { token: '', app: '' };
    const headers = new Headers({ Accept: 'application/json, application/problem+json', 'Accept-Language': language });
    const token = this.keeper.get();
    if (token) headers.set(family.token, token);
    if (family.app) headers.set(family.app, app);
    if (body !== undefined) headers.set('Content-Type', 'application/json');
    /** @type {Response} */
    let answer;
    try {
      // Without credentials no browser asks for a user name and password of its own when the answer is 401.
      answer = await fetch(base + path.slice(1) + search, { method, headers, body: body ?? null, credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(patience) });
    } catch {
      throw new Unreachable();
    }
    const value = await answer.json().catch(() => undefined);
    if (answer.headers.get('Content-Type')?.startsWith('application/problem+json') && value) {
      const refusal = new Refusal(value, Number(answer.headers.get('Retry-After') ?? 0));
      if (token && token === this.keeper.get() && signedOut.has(refusal.code)) this.onSignedOut();
      throw refusal;
    }
    if (!answer.ok || !value) throw new Unreachable();
    return value.data;
  }
}
