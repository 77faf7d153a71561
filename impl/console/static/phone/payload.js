// What the pictures of this service say.

/**
 * @typedef {{kind: 'login', id: string} | {kind: 'fastpass', id: string, appId: string}} Scanned
 */

/** What an id consists of. */
const id = /^[\w-]{16,128}$/;

/**
 * Reads the text of a QR code; undefined for one that is not of this service.
 * @param {string} content
 * @returns {Scanned | undefined}
 */
export function understand(content) {
  const bare = content.trim();
  if (id.test(bare)) return { kind: 'login', id: bare };
  /** @type {Record<string, unknown>} */
  let said;
  try {
    said = Object(JSON.parse(bare));
  } catch {
    return undefined;
  }
  const { scene, qrcodeId, random, appId } = said;
  const named = typeof qrcodeId === 'string' ? qrcodeId : random;
  if (typeof named !== 'string' || !id.test(named)) return undefined;
  if (scene === 'APP_AUTH') return { kind: 'login', id: named };
  return scene === 'FASTPASS' && typeof appId === 'string' ? { kind: 'fastpass', id: named, appId } : undefined;
}
