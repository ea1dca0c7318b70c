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
  adjustment?: number; // drawn by a person in an earlier correction
}

export interface Place {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** What the person changed and the server does not know yet. */
export interface Draft {
  added: Place[];
  removed: number[];
  kinds: [number, Kind][];
  moved: [number, Place][];
}

const placeOf = ({x, y, w, h}: Place): Place => ({x, y, w, h});
const samePlace = (a: Place, b: Place): boolean => a.x === b.x && a.y === b.y && a.w === b.w && a.h === b.h;

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
  private first = new Map<Box, {place: Place; kind: Kind}>(); // as the server told them
  private nextId = -1;
  version = 0;

  constructor(boxes: Box[], readonly width: number, readonly height: number) {
    for (const box of boxes) {
      this.insert(box);
      this.first.set(box, {place: placeOf(box), kind: box.kind});
    }
  }

  private key(cx: number, cy: number): number {
    return cy * 4096 + cx;
  }

  private cellOf(box: Box): Box[] {
    const key = this.key(Math.floor(box.x / CELL), Math.floor(box.y / CELL));
    const cell = this.cells.get(key) ?? [];
    this.cells.set(key, cell);
    return cell;
  }

  private insert(box: Box): void {
    this.all.push(box);
    this.cellOf(box).push(box);
  }

  /** Without a trace in the history: while a finger drags. */
  put(box: Box, to: Place): void {
    const cell = this.cellOf(box);
    cell.splice(cell.indexOf(box), 1);
    Object.assign(box, placeOf(to));
    this.cellOf(box).push(box);
  }

  /** From where it was to where it is now, as one step of the history. */
  move(box: Box, to: Place, from: Place = placeOf(box)): void {
    if (!samePlace(from, to)) this.apply({redo: () => this.put(box, to), undo: () => this.put(box, from)});
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

  setKind(boxes: Box[], kind: Kind): void {
    const mine = boxes.filter((box) => box.kind !== kind && box.id >= 0).map((box) => ({box, before: box.kind}));
    if (mine.length === 0) return;
    this.apply({
      redo: () => mine.forEach(({box}) => (box.kind = kind)),
      undo: () => mine.forEach(({box, before}) => (box.kind = before)),
    });
  }

  /** Marks whose centre lies inside the outline. */
  inside(outline: {x: number; y: number}[], threshold: number): Box[] {
    const found: Box[] = [];
    const xs = outline.map((p) => p.x);
    const ys = outline.map((p) => p.y);
    this.within(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (box) => {
      if (box.removed || box.confidence < threshold) return;
      let odd = false;
      outline.forEach((a, i) => {
        const b = outline[(i + 1) % outline.length] as {x: number; y: number};
        if (a.y > box.y !== b.y > box.y && box.x < ((b.x - a.x) * (box.y - a.y)) / (b.y - a.y) + a.x) odd = !odd;
      });
      if (odd) found.push(box);
    });
    return found;
  }

  /** The least certain one above the threshold, after the given one. */
  leastCertain(after: Box | null, threshold: number): Box | null {
    let best: Box | null = null;
    const past = (box: Box) => !after || box.confidence > after.confidence ||
      (box.confidence === after.confidence && box.id > after.id);
    for (const box of this.all) {
      if (box.removed || box.id < 0 || box.kind !== 'plant' || box.confidence < threshold || !past(box)) continue;
      if (!best || box.confidence < best.confidence || (box.confidence === best.confidence && box.id < best.id)) best = box;
    }
    return best ?? (after ? this.leastCertain(null, threshold) : null);
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
  changes(): {added: Box[]; removed: Box[]; kinds: Box[]; moved: Box[]; reverted: Box[]} {
    const known = this.all.filter((box) => box.id >= 0);
    const was = (box: Box) => this.first.get(box) as {place: Place; kind: Kind};
    return {
      added: this.all.filter((box) => box.id < 0 && !box.adjustment && !box.removed),
      removed: known.filter((box) => box.removed),
      kinds: known.filter((box) => !box.removed && box.kind !== was(box).kind),
      moved: known.filter((box) => !box.removed && !samePlace(box, was(box).place)),
      reverted: this.all.filter((box) => box.adjustment && box.removed),
    };
  }

  draft(): Draft {
    const c = this.changes();
    return {added: c.added.map(placeOf), removed: [...c.removed, ...c.reverted].map((box) => box.id),
            kinds: c.kinds.map((box) => [box.id, box.kind]), moved: c.moved.map((box) => [box.id, placeOf(box)])};
  }

  /** What was changed before the page was left, as steps that can be undone. */
  restore(draft: Draft): void {
    const byId = new Map(this.all.map((box) => [box.id, box]));
    const find = (id: number) => byId.get(id);
    for (const [id, to] of draft.moved) {
      const box = find(id);
      if (box) this.move(box, to);
    }
    for (const [id, kind] of draft.kinds) {
      const box = find(id);
      if (box) this.setKind([box], kind);
    }
    this.remove(draft.removed.map(find).filter((box): box is Box => box !== undefined));
    for (const place of draft.added) this.put(this.add(place.x, place.y), place);
  }
}
