// SPDX-License-Identifier: Apache-2.0
// Fingers, mouse and wheel on the stage: one finger or the mouse drags, two pinch, a short touch is
// a tap, a long one removes; a drag that begins on a chosen mark moves it.

export interface Gestures {
  pan: (dx: number, dy: number) => void;
  zoom: (factor: number, x: number, y: number) => void;
  tap: (x: number, y: number) => void;
  hold: (x: number, y: number) => void;
  grab: (x: number, y: number) => 'mark' | 'lasso' | null; // what a drag from here does instead of panning
  drag: (x: number, y: number, dx: number, dy: number) => void;
  drop: () => void;
}

const SLOP = 8;
const HOLD_MS = 550;

export function listen(stage: HTMLElement, on: Gestures): () => void {
  const fingers = new Map<number, {x: number; y: number}>();
  let moved = false;
  let held: 'mark' | 'lasso' | null = null;
  let timer = 0;
  let startX = 0;
  let startY = 0;

  const at = (event: PointerEvent | WheelEvent) => {
    const box = stage.getBoundingClientRect();
    return {x: event.clientX - box.left, y: event.clientY - box.top};
  };
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return a && b ? {d: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2} : null;
  };

  const down = (event: PointerEvent) => {
    if ((event.target as HTMLElement).closest('button')) return;
    stage.setPointerCapture(event.pointerId);
    const p = at(event);
    fingers.set(event.pointerId, p);
    clearTimeout(timer);
    moved = fingers.size > 1;
    [startX, startY] = [p.x, p.y];
    if (held) on.drop();
    held = fingers.size === 1 ? on.grab(p.x, p.y) : null;
    if (fingers.size === 1 && held !== 'lasso')
      timer = window.setTimeout(() => {
        moved = true;
        on.hold(startX, startY);
      }, HOLD_MS);
  };
  const move = (event: PointerEvent) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const p = at(event);
    const before = spread();
    fingers.set(event.pointerId, p);
    if (!moved && Math.hypot(p.x - startX, p.y - startY) < SLOP) return;
    clearTimeout(timer);
    moved = true;
    const now = spread();
    if (before && now) {
      on.pan(now.x - before.x, now.y - before.y);
      on.zoom(now.d / (before.d || 1), now.x, now.y);
    } else if (held) {
      on.drag(p.x, p.y, p.x - last.x, p.y - last.y);
    } else {
      on.pan(p.x - last.x, p.y - last.y);
    }
  };
  const up = (event: PointerEvent) => {
    const p = fingers.get(event.pointerId);
    fingers.delete(event.pointerId);
    clearTimeout(timer);
    if (held) {
      held = null;
      on.drop();
    }
    if (p && !moved && event.type === 'pointerup') on.tap(p.x, p.y);
  };
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const p = at(event);
    on.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), p.x, p.y);
  };
  stage.addEventListener('pointerdown', down);
  stage.addEventListener('pointermove', move);
  stage.addEventListener('pointerup', up);
  stage.addEventListener('pointercancel', up);
  stage.addEventListener('wheel', wheel, {passive: false});
  return () => {
    clearTimeout(timer);
    stage.removeEventListener('pointerdown', down);
    stage.removeEventListener('pointermove', move);
    stage.removeEventListener('pointerup', up);
    stage.removeEventListener('pointercancel', up);
    stage.removeEventListener('wheel', wheel);
  };
}
