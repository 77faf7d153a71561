// QR codes: drawing one, and reading one from a picture or the camera.
import { encodeQR } from '../vendor/qr/index.js';
import { decodeQR } from '../vendor/qr/decode.js';

/** Modules of white around a code (ISO/IEC 18004 section 6.3.8). */
const quiet = 4;

/**
 * Draws a text as a QR code: with little redundancy, since a screen is neither torn nor stained, and a pixel a module; the style
 * sheet enlarges it without blur.
 * @param {HTMLCanvasElement} canvas
 * @param {string} content
 */
export function draw(canvas, content) {
  const rows = encodeQR(content, 'raw', { border: quiet, ecc: 'low' });
  const side = rows.length;
  canvas.width = canvas.height = side;
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no canvas');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, side, side);
  context.fillStyle = '#000';
  rows.forEach((row, y) => row.forEach((dark, x) => dark && context.fillRect(x, y, 1, 1)));
}

/** Pictures of cameras are larger than what it takes to read a code, and reading takes time. */
const enough = 1280;

/**
 * Reads the QR code in a picture; undefined when there is none.
 * @param {ImageBitmap | HTMLVideoElement} picture
 * @returns {Promise<string | undefined>}
 */
export async function read(picture) {
  const [width, height] = picture instanceof ImageBitmap ? [picture.width, picture.height] : [picture.videoWidth, picture.videoHeight];
  if (!width || !height) return undefined;
  const own = await readByBrowser(picture);
  if (own) return own;
  const scale = Math.min(1, enough / Math.max(width, height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) return undefined;
  context.fillStyle = '#fff'; // behind a picture that is transparent
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  try {
    return decodeQR(context.getImageData(0, 0, canvas.width, canvas.height));
  } catch {
    return undefined; // there is none
  }
}

/**
 * Lets the browser read, if it can: that is faster, and some have it for nothing.
 * @param {ImageBitmap | HTMLVideoElement} picture
 * @returns {Promise<string | undefined>}
 */
async function readByBrowser(picture) {
  const Detector = /** @type {{BarcodeDetector?: new (o: {formats: string[]}) => {detect(p: ImageBitmapSource): Promise<{rawValue: string}[]>}}} */ (globalThis).BarcodeDetector;
  if (!Detector) return undefined;
  try {
    const found = await new Detector({ formats: ['qr_code'] }).detect(picture);
    return found[0]?.rawValue;
  } catch {
    return undefined; // the browser has the name but no reader
  }
}
