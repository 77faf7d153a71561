// What this browser remembers beyond a tab: a language, and that a tour was seen. Some browsers keep nothing at all; then it is asked
// or shown again.

/** @param {string} name */
export function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // nothing is lost but the memory
  }
}
