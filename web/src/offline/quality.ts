// SPDX-License-Identifier: Apache-2.0
// Is the photo sharp and light enough? Looked at in small, on the phone, within a moment.
import type {Key} from '../i18n';

const SIDE = 320;

/** Variance of the Laplacian (Pech-Pacheco 2000) falls when edges are blurred. */
function sharpness(grey: Float32Array, w: number, h: number): number {
  let sum = 0;
  let squares = 0;
  let n = 0;
  for (let y = 1; y < h - 1; y++)
    for (let x = 1; x < w - 1; x++) {
      const i = y * w + x;
      const v = 4 * (grey[i] as number) - (grey[i - 1] as number) - (grey[i + 1] as number)
        - (grey[i - w] as number) - (grey[i + w] as number);
      sum += v;
      squares += v * v;
      n++;
    }
  return squares / n - (sum / n) ** 2;
}

export interface Judgement {
  sharpness: number;
  dark: number; // share of pixels below 24
  burnt: number; // share above 250
}

export function measure(pixels: Uint8ClampedArray, w: number, h: number): Judgement {
  const grey = new Float32Array(w * h);
  let dark = 0;
  let burnt = 0;
  for (let i = 0; i < w * h; i++) {
    const v = 0.299 * (pixels[4 * i] as number) + 0.587 * (pixels[4 * i + 1] as number) + 0.114 * (pixels[4 * i + 2] as number);
    grey[i] = v;
    if (v < 24) dark++;
    if (v > 250) burnt++;
  }
  return {sharpness: sharpness(grey, w, h), dark: dark / (w * h), burnt: burnt / (w * h)};
}

export function verdict(j: Judgement): Key | null {
  if (j.dark > 0.7) return 'camera.dark';
  if (j.burnt > 0.35) return 'camera.glare';
  return j.sharpness < 60 ? 'camera.blur' : null;
}

/** A text key of what is wrong with the photo, or null. Never fails: no judgement is no warning. */
export async function judge(blob: Blob): Promise<Key | null> {
  try {
    const image = await createImageBitmap(blob, {resizeWidth: SIDE, resizeQuality: 'medium'});
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext('2d', {willReadFrequently: true});
    if (!context) return null;
    context.drawImage(image, 0, 0);
    image.close();
    return verdict(measure(context.getImageData(0, 0, canvas.width, canvas.height).data, canvas.width, canvas.height));
  } catch {
    return null;
  }
}
