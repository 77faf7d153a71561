// Reading a QR code: with the camera, from a picture, or from the clipboard.
import { button, fill, h } from '../lib/dom.js';
import { field, form, trouble } from '../lib/form.js';
import { read } from '../lib/qr.js';
import { text } from '../lib/text.js';

/** How often a frame of the camera is looked at, in milliseconds. */
const pace = 200;

/**
 * @param {AbortSignal} signal when it comes, the camera goes off
 * @param {(content: string) => string} found is told what was read, and returns what is wrong with it; empty if nothing is
 */
export function scanner(signal, found) {
  const said = trouble();
  const view = h('div', { class: 'camera' });

  /** @param {string | undefined} content */
  function take(content) {
    if (signal.aborted) return;
    const wrong = content === undefined ? text.noCode : found(content);
    said.show(wrong ? new Error(wrong) : undefined);
  }

  /** @param {Blob | null | undefined} file */
  async function fromFile(file) {
    if (!file) return;
    const picture = await createImageBitmap(file).catch(() => undefined);
    if (!picture) return said.show(new Error(text.noPicture));
    take(await read(picture));
    picture.close();
  }

  const upload = h('input', { type: 'file', accept: 'image/*', id: 'upload', class: 'visually-hidden', onchange: async () => {
    await fromFile(upload.files?.[0]);
    upload.value = ''; // so that the same file can be chosen again
  } });
  const pasted = field(text.pasteLabel, { name: 'content', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', maxlength: 4096 });
  pasted.input.addEventListener('paste', (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((f) => f.type.startsWith('image/'));
    if (!file) return; // text is pasted as always
    event.preventDefault();
    void fromFile(file);
  });

  return h('div', {},
    view,
    h('div', { class: 'actions' },
      button(text.camera, () => film(view, signal, take).catch((error) => signal.aborted || said.show(new Error(whyNot(error)))), { class: 'primary' }),
      h('label', { for: 'upload', class: 'button' }, text.upload), upload),
    said.element,
    form({ label: text.pasteLabel, submit: text.use, run: async () => take(pasted.input.value) }, pasted.element));
}

/** @param {unknown} error */
function whyNot(error) {
  return error instanceof DOMException && error.name === 'NotAllowedError' ? text.cameraDenied : text.noCamera;
}

/**
 * Looks through the camera until there is a code.
 * @param {HTMLElement} view
 * @param {AbortSignal} signal
 * @param {(content: string) => void} found
 */
async function film(view, signal, found) {
  if (!navigator.mediaDevices) throw new Error('no camera'); // as on an insecure origin
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' }, audio: false });
  let ended = false;
  const video = h('video', { playsinline: true, muted: true, 'aria-label': text.cameraPicture });
  const off = () => {
    for (const track of stream.getTracks()) track.stop();
    fill(view);
    ended = true;
  };
  if (signal.aborted) return off();
  signal.addEventListener('abort', off, { once: true });
  video.srcObject = stream;
  fill(view, video, button(text.cameraOff, off, { class: 'quiet' }));
  await video.play();
  while (!ended && stream.active) {
    const content = await read(video);
    if (ended) return;
    if (content !== undefined) {
      off();
      return found(content);
    }
    await new Promise((resolve) => setTimeout(resolve, pace));
  }
  off(); // the camera was taken away
}
