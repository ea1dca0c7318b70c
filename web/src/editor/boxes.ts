// SPDX-License-Identifier: Apache-2.0
// Marks of one photograph with an index over the plane, and a history of edits without limit. All
// positions are pixels of the original photo.

export type Kind = 'plant' | 'empty' | 'dead';

export interface Box {
  id: number; // of the server; below zero: added here
  x: number; // centre
  y: number;
  w: number;
  h: number;
  confidence: number;
  kind: Kind;
  removed: boolean;
}

interface Edit {
  undo: () => void;
  redo: () => void;
}

const CELL = 128;

export class Boxes {
  readonly all: Box[] = [];
  private cells = new Map<number, Box[]>();
  private done: Edit[] = [];
  private undone: Edit[] = [];
  private nextId = -1;
  version = 0;

  constructor(boxes: Box[], readonly width: number, readonly height: number) {
    for (const box of boxes) this.insert(box);
  }

  private key(cx: number, cy: number): number {
    return cy * 4096 + cx;
  }

  private insert(box: Box): void {
    this.all.push(box);
    const key = this.key(Math.floor(box.x / CELL), Math.floor(box.y / CELL));
    const cell = this.cells.get(key);
    if (cell) cell.push(box);
    else this.cells.set(key, [box]);
  }

  /** Marks whose centre lies in the rectangle; calls back once each. */
  within(x0: number, y0: number, x1: number, y1: number, visit: (box: Box) => void): void {
    for (let cy = Math.floor(y0 / CELL); cy <= Math.floor(y1 / CELL); cy++)
      for (let cx = Math.floor(x0 / CELL); cx <= Math.floor(x1 / CELL); cx++)
        for (const box of this.cells.get(this.key(cx, cy)) ?? [])
          if (box.x >= x0 && box.x <= x1 && box.y >= y0 && box.y <= y1) visit(box);
  }

  /** The mark under a point: the smallest whose box, grown by slack, holds it. */
  at(x: number, y: number, threshold: number, slack = 0): Box | null {
    let best: Box | null = null;
    this.within(x - 600, y - 600, x + 600, y + 600, (box) => {
      if (box.removed || box.confidence < threshold) return;
      if (Math.abs(box.x - x) > box.w / 2 + slack || Math.abs(box.y - y) > box.h / 2 + slack) return;
      if (!best || box.w * box.h < best.w * best.h) best = box;
    });
    return best;
  }

  /** Median size of the eight nearest marks: the size of a plant added by a tap. */
  sizeNear(x: number, y: number): {w: number; h: number} {
    const near: {d: number; box: Box}[] = [];
    for (let reach = 256; near.length < 8 && reach < Math.max(this.width, this.height) * 2; reach *= 2) {
      near.length = 0;
      this.within(x - reach, y - reach, x + reach, y + reach, (box) => {
        if (!box.removed) near.push({d: (box.x - x) ** 2 + (box.y - y) ** 2, box});
      });
    }
    near.sort((a, b) => a.d - b.d);
    const eight = near.slice(0, 8).map((n) => n.box);
    if (eight.length === 0) return {w: 64, h: 64};
    const middle = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
    return {w: middle(eight.map((b) => b.w)), h: middle(eight.map((b) => b.h))};
  }

  private apply(edit: Edit): void {
    edit.redo();
    this.done.push(edit);
    this.undone.length = 0;
    this.version++;
  }

  add(x: number, y: number, kind: Kind = 'plant'): Box {
    const box: Box = {id: this.nextId--, x, y, ...this.sizeNear(x, y), confidence: 1, kind, removed: true};
    this.insert(box);
    this.apply({redo: () => void (box.removed = false), undo: () => void (box.removed = true)});
    return box;
  }

  remove(boxes: Box[]): void {
    const mine = boxes.filter((box) => !box.removed);
    if (mine.length === 0) return;
    this.apply({
      redo: () => mine.forEach((box) => (box.removed = true)),
      undo: () => mine.forEach((box) => (box.removed = false)),
    });
  }

  setKind(box: Box, kind: Kind): void {
    const before = box.kind;
    if (before !== kind) this.apply({redo: () => void (box.kind = kind), undo: () => void (box.kind = before)});
  }

  undo(): boolean {
    const edit = this.done.pop();
    if (!edit) return false;
    edit.undo();
    this.undone.push(edit);
    this.version++;
    return true;
  }

  redo(): boolean {
    const edit = this.undone.pop();
    if (!edit) return false;
    edit.redo();
    this.done.push(edit);
    this.version++;
    return true;
  }

  get canUndo(): boolean {
    return this.done.length > 0;
  }
  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  count(kind: Kind, threshold: number): number {
    let n = 0;
    for (const box of this.all) if (!box.removed && box.kind === kind && box.confidence >= threshold) n++;
    return n;
  }

  /** What has to be told to the server. */
  changes(): {added: Box[]; removed: Box[]} {
    return {
      added: this.all.filter((box) => box.id < 0 && !box.removed),
      removed: this.all.filter((box) => box.id >= 0 && box.removed),
    };
  }
}
