// SPDX-License-Identifier: Apache-2.0
// The photograph with its marks on a canvas: pan, zoom, draw. Draws at most once a frame, and only
// marks inside the window.
import type {Box, Boxes} from './boxes';

export interface Layers {
  photo: boolean;
  plants: boolean;
  empties: boolean;
  points: boolean;
}

const COLOURS: Record<Box['kind'], string> = {plant: '#7dff9a', empty: '#ffd24a', dead: '#ff7a6b'};

export class View {
  scale = 1;
  x = 0; // photo pixel at the left top of the window
  y = 0;
  threshold = 0;
  layers: Layers = {photo: true, plants: true, empties: true, points: false};
  selection: Box[] = [];
  trace: {x: number; y: number}[] = []; // the lasso being drawn, in photo pixels
  private frame = 0;
  private readonly context: CanvasRenderingContext2D;
  frames = 0;

  constructor(readonly canvas: HTMLCanvasElement, readonly boxes: Boxes, private image: ImageBitmap | null) {
    const context = canvas.getContext('2d', {alpha: false});
    if (!context) throw new Error('canvas');
    this.context = context;
  }

  setImage(image: ImageBitmap | null): void {
    this.image = image;
    this.redraw();
  }

  get width(): number {
    return this.canvas.clientWidth;
  }
  get height(): number {
    return this.canvas.clientHeight;
  }

  fit(): void {
    this.scale = Math.min(this.width / this.boxes.width, this.height / this.boxes.height) || 1;
    this.x = (this.boxes.width - this.width / this.scale) / 2;
    this.y = (this.boxes.height - this.height / this.scale) / 2;
    this.redraw();
  }

  /** Window position to photo pixel. */
  toPhoto(px: number, py: number): {x: number; y: number} {
    return {x: this.x + px / this.scale, y: this.y + py / this.scale};
  }

  pan(dx: number, dy: number): void {
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.keepInside();
    this.redraw();
  }

  zoom(factor: number, px = this.width / 2, py = this.height / 2): void {
    const least = Math.min(this.width / this.boxes.width, this.height / this.boxes.height) * 0.8;
    const scale = Math.min(16, Math.max(least, this.scale * factor));
    const at = this.toPhoto(px, py);
    this.scale = scale;
    this.x = at.x - px / scale;
    this.y = at.y - py / scale;
    this.keepInside();
    this.redraw();
  }

  private keepInside(): void {
    const w = this.width / this.scale;
    const h = this.height / this.scale;
    this.x = Math.min(Math.max(this.x, -w / 2), this.boxes.width - w / 2);
    this.y = Math.min(Math.max(this.y, -h / 2), this.boxes.height - h / 2);
  }

  redraw(): void {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    this.image?.close();
  }

  private draw(): void {
    this.frame = 0;
    this.frames++;
    const c = this.context;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const w = Math.round(this.width * ratio);
    const h = Math.round(this.height * ratio);
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
    }
    const s = this.scale * ratio;
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.fillStyle = '#20241f';
    c.fillRect(0, 0, w, h);
    c.setTransform(s, 0, 0, s, -this.x * s, -this.y * s);
    if (this.image && this.layers.photo) {
      c.imageSmoothingEnabled = s < 2;
      c.drawImage(this.image, 0, 0, this.boxes.width, this.boxes.height);
    } else {
      c.fillStyle = '#565b54';
      c.fillRect(0, 0, this.boxes.width, this.boxes.height);
    }
    this.drawMarks(c, s);
  }

  private drawMarks(c: CanvasRenderingContext2D, s: number): void {
    const margin = 400;
    const points = this.layers.points || s < 0.12;
    const paths: Record<Box['kind'], Path2D> = {plant: new Path2D(), empty: new Path2D(), dead: new Path2D()};
    const dot = 2.6 / s;
    this.boxes.within(this.x - margin, this.y - margin, this.x + this.canvas.width / s + margin,
                      this.y + this.canvas.height / s + margin, (box) => {
      if (box.removed || box.confidence < this.threshold) return;
      if (box.kind === 'plant' ? !this.layers.plants : !this.layers.empties) return;
      const path = paths[box.kind];
      if (points) path.rect(box.x - dot, box.y - dot, dot * 2, dot * 2);
      else if (box.kind === 'plant') path.rect(box.x - box.w / 2, box.y - box.h / 2, box.w, box.h);
      else this.diamond(path, box);
    });
    for (const kind of ['plant', 'empty', 'dead'] as const) {
      if (points) {
        c.fillStyle = COLOURS[kind];
        c.fill(paths[kind]);
      } else {
        c.strokeStyle = 'rgb(0 0 0 / 55%)';
        c.lineWidth = 3.6 / s;
        c.stroke(paths[kind]);
        c.strokeStyle = COLOURS[kind];
        c.lineWidth = 1.7 / s;
        c.stroke(paths[kind]);
      }
    }
    c.strokeStyle = '#ffffff';
    c.lineWidth = 4 / s;
    for (const box of this.selection)
      if (!box.removed) c.strokeRect(box.x - box.w / 2, box.y - box.h / 2, box.w, box.h);
    if (this.trace.length > 1) {
      c.setLineDash([12 / s, 8 / s]);
      c.beginPath();
      this.trace.forEach((p, i) => (i ? c.lineTo(p.x, p.y) : c.moveTo(p.x, p.y)));
      c.closePath();
      c.stroke();
      c.setLineDash([]);
    }
  }

  /** Bring a mark into sight without changing the zoom. */
  show(box: Box): void {
    const w = this.width / this.scale;
    const h = this.height / this.scale;
    if (box.x < this.x || box.x > this.x + w || box.y < this.y || box.y > this.y + h) {
      this.x = box.x - w / 2;
      this.y = box.y - h / 2;
      this.keepInside();
    }
    this.redraw();
  }

  /** Empty pots and dead plants have another shape: colour is never the only sign. */
  private diamond(path: Path2D, b: Box): void {
    path.moveTo(b.x, b.y - b.h / 2);
    path.lineTo(b.x + b.w / 2, b.y);
    path.lineTo(b.x, b.y + b.h / 2);
    path.lineTo(b.x - b.w / 2, b.y);
    path.closePath();
  }
}
