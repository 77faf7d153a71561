// The few things that all pages do with elements. Text is always text: nothing here takes HTML.

/** @typedef {Node | string | undefined | false} Child */

/**
 * Makes an element. Properties that begin with "on" are listeners, true is an attribute without a value, and what is undefined or
 * false is left out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  fill(element, ...children);
  return element;
}

/**
 * Replaces what is in an element.
 * @template {Element} E
 * @param {E} element
 * @param {...Child} children
 * @returns {E}
 */
export function fill(element, ...children) {
  element.replaceChildren(.../** @type {(Node | string)[]} */ (children.filter((c) => c !== undefined && c !== false)));
  return element;
}

/**
 * A button that does one thing at a time: while it does, another click does nothing. Neither does a key that is still held down from
 * before: it was pressed for something else.
 * @param {string} label
 * @param {() => unknown} act
 * @param {Record<string, unknown>} [properties]
 */
export function button(label, act, properties = {}) {
  const element = h('button', {
    type: 'button', ...properties, onclick: () => once(element, act),
    onkeydown: (/** @type {KeyboardEvent} */ event) => event.repeat && event.preventDefault(),
  }, label);
  return element;
}

/**
 * Runs act while a button shows that it is busy. A second call meanwhile does nothing.
 * @param {HTMLButtonElement} element
 * @param {() => unknown} act
 */
export async function once(element, act) {
  if (element.getAttribute('aria-busy') === 'true') return;
  element.setAttribute('aria-busy', 'true');
  try {
    await act();
  } finally {
    element.removeAttribute('aria-busy');
  }
}

/**
 * Puts the focus on something that is to be read, when what had it is gone.
 * @param {Element | null} element
 */
export function focusOn(element) {
  if (!(element instanceof HTMLElement)) return;
  element.tabIndex = -1;
  element.focus();
}

/** @param {string} selector */
export function find(selector) {
  const element = document.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new Error('no ' + selector);
  return element;
}

/**
 * Calls f each second until it returns false, or the signal says so.
 * @param {() => boolean} f
 * @param {AbortSignal} [signal]
 */
export function eachSecond(f, signal) {
  if (!f()) return;
  const timer = setInterval(() => (signal?.aborted || !f()) && clearInterval(timer), 1000);
}
