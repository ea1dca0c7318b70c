// SPDX-License-Identifier: Apache-2.0
// A photograph and its count: layers, zoom, threshold, corrections, validation.
import type {JSX} from 'preact';
import {useEffect, useMemo, useRef, useState} from 'preact/hooks';
import {ApiError, get, request, send} from '../api';
import {Boxes, type Box, type Draft, type Kind, type Place} from '../editor/boxes';
import {listen} from '../editor/gestures';
import {View, type Layers} from '../editor/view';
import {number, percent, signed, t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import {cache, cached} from '../offline/database';
import {say} from '../store';
import {ErrorCard, useLoad} from '../ui/parts';

interface Columns {
  width_px: number;
  height_px: number;
  columns: {id: number[]; x: number[]; y: number[]; w: number[]; h: number[]; confidence: number[];
            kind: (Kind | 'removed')[]};
  drawn: {adjustment_id: number; box: [number, number, number, number]}[];
}
interface Session {
  session_id: string;
  status: string;
  total_detected: number;
  total_estimated: number;
  total_empty_containers: number;
  avg_confidence: number | null;
  validated: boolean;
  original_image_id?: string | null;
  warning?: string | null;
}
interface Whole {
  session: Session;
  boxes: Boxes;
  image: ImageBitmap | null;
  etag: string | null; // of the corrections the person has seen
}
const REASON_LEAST = 5;
const STEP = 2; // pixels an arrow key moves

async function bitmap(image: string): Promise<ImageBitmap | null> {
  try {
    return await createImageBitmap(await (await request(`api/v1/photos/${image}/file?redirect=false`)).blob());
  } catch {
    return null;
  }
}

function boxesOf(d: Columns): Boxes {
  const {id, x, y, w, h, confidence, kind} = d.columns;
  const list: Box[] = [];
  id.forEach((n, i) => {
    const k = kind[i];
    if (k !== 'removed') list.push({id: n, x: x[i]!, y: y[i]!, w: w[i]!, h: h[i]!, confidence: confidence[i]!, kind: k!, removed: false});
  });
  for (const {adjustment_id: adjustment, box: [bx, by, bw, bh]} of d.drawn)
    list.push({id: -1e9 - adjustment, x: bx, y: by, w: bw, h: bh, confidence: 1, kind: 'plant', removed: false, adjustment});
  return new Boxes(list, d.width_px, d.height_px);
}

const draftKey = (id: string): string => `draft:${id}`;

async function load(id: string): Promise<Whole> {
  const base = `photos/sessions/${id}`;
  const [session, columns, edits, draft] = await Promise.all([get<Session>(base), get<Columns>(`${base}/detections.json`),
    request(`api/v1/${base}/adjustments`), cached<Draft>(draftKey(id)).catch(() => undefined)]);
  const image = session.original_image_id ? await bitmap(session.original_image_id) : null;
  const boxes = boxesOf(columns);
  if (draft && !session.validated) boxes.restore(draft);
  return {session, boxes, image, etag: edits.headers.get('ETag')};
}

/** The corrections of the canvas in the words of the API. */
function adjustmentsOf(boxes: Boxes, threshold: number, reason: string): Record<string, unknown>[] {
  const {added, removed, kinds, moved} = boxes.changes();
  const ids = (list: Box[]) => list.map((b) => b.id);
  const marked = (kind: Kind) => ids(kinds.filter((b) => b.kind === kind));
  const many = (kind: string, detection_ids: number[]) => (detection_ids.length ? [{kind, detection_ids, reason}] : []);
  return [
    ...(added.length ? [{kind: 'add_boxes', boxes: added.map(({x, y, w, h}) => ({x, y, w, h})), reason}] : []),
    ...many('remove_plants', ids(removed)), ...many('mark_dead', marked('dead')),
    ...many('mark_empty', marked('empty')), ...many('unmark', marked('plant')),
    ...moved.map((b) => ({kind: 'move_box', detection_id: b.id, box: {x: b.x, y: b.y, w: b.w, h: b.h}, reason})),
    ...(threshold > 0 ? [{kind: 'threshold', threshold, reason}] : []),
  ];
}

function Histogram({boxes, threshold}: {boxes: Boxes; threshold: number}): JSX.Element {
  const bins = useMemo(() => {
    const counts = new Array<number>(20).fill(0);
    for (const b of boxes.all) if (!b.removed) counts[Math.min(19, Math.floor(b.confidence * 20))]!++;
    return counts;
  }, [boxes, boxes.version]);
  const most = Math.max(1, ...bins);
  return (
    <svg viewBox="0 0 100 24" width="100%" height="40" preserveAspectRatio="none" role="img" aria-label={t('session.histogram')}>
      {bins.map((n, i) => (
        <rect key={i} x={i * 5 + 0.4} width={4.2} y={24 - (n / most) * 24} height={(n / most) * 24}
          fill={(i + 0.5) / 20 < threshold ? 'var(--line)' : 'var(--accent)'} />
      ))}
    </svg>
  );
}

const switches: [keyof Layers, Key][] = [['photo', 'session.layer.photo'], ['plants', 'session.layer.plants'],
  ['empties', 'session.layer.empties'], ['points', 'session.layer.points']];
const kinds: [Kind, Key][] = [['plant', 'session.plant'], ['dead', 'session.dead'], ['empty', 'session.empty']];
const moves: [Key, number, number][] = [['session.left', -STEP, 0], ['session.right', STEP, 0], ['session.up', 0, -STEP],
  ['session.down', 0, STEP]];

function Editor({whole, me, reload}: {whole: Whole; me: ScreenProps['me']; reload: () => void}): JSX.Element {
  const {session, boxes} = whole;
  const stage = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef<View | null>(null);
  const [threshold, setThreshold] = useState(0);
  const [layers, setLayers] = useState<Layers>({photo: true, plants: true, empties: true, points: false});
  const [version, setVersion] = useState(0);
  const [reason, setReason] = useState('');
  const [fault, setFault] = useState<ApiError | null>(null);
  const [lasso, setLasso] = useState(false);
  const lassoing = useRef(false);
  lassoing.current = lasso;
  const edits = me.role === 'supervisor' || me.role === 'admin';
  const changed = () => {
    setVersion((n) => n + 1);
    view.current?.redraw();
    if (edits) void cache(draftKey(session.session_id), boxes.draft());
  };
  const toggle = (name: keyof Layers) => setLayers((old) => ({...old, [name]: !old[name]}));
  const choose = (list: Box[]) => {
    if (view.current) view.current.selection = list;
    setVersion((n) => n + 1);
    view.current?.redraw();
  };
  const chosen = (): Box[] => view.current?.selection.filter((box) => !box.removed) ?? [];
  const nudge = (grow: boolean, dx: number, dy: number) => {
    for (const box of chosen())
      if (box.id >= 0)
        boxes.move(box, grow ? {x: box.x, y: box.y, w: Math.max(4, box.w + dx), h: Math.max(4, box.h + dy)}
                             : {x: box.x + dx, y: box.y + dy, w: box.w, h: box.h});
    changed();
  };

  useEffect(() => {
    if (!stage.current || !canvas.current) return undefined;
    const v = new View(canvas.current, boxes, whole.image);
    view.current = v;
    v.fit();
    let from: Place | null = null; // of the mark under the finger, before it was dragged
    const stopGestures = listen(stage.current, {
      pan: (dx, dy) => v.pan(dx, dy),
      zoom: (factor, x, y) => v.zoom(factor, x, y),
      tap: (x, y) => {
        const p = v.toPhoto(x, y);
        const hit = boxes.at(p.x, p.y, v.threshold, 6 / v.scale);
        if (hit) choose(v.selection.includes(hit) ? [] : [hit]);
        else if (p.x < 0 || p.y < 0 || p.x > boxes.width || p.y > boxes.height) choose([]);
        else if (edits) {
          v.selection = [boxes.add(p.x, p.y)];
          changed();
        }
      },
      hold: (x, y) => {
        const p = v.toPhoto(x, y);
        const hit = boxes.at(p.x, p.y, v.threshold, 10 / v.scale);
        if (hit && edits) {
          boxes.remove([hit]);
          navigator.vibrate?.(40);
          changed();
        }
      },
      grab: (x, y) => {
        if (!edits) return null;
        if (lassoing.current) return 'lasso';
        const p = v.toPhoto(x, y);
        const [one, ...others] = v.selection;
        const mine = one && others.length === 0 && one.id >= 0 && boxes.at(p.x, p.y, v.threshold) === one;
        from = mine ? {x: one.x, y: one.y, w: one.w, h: one.h} : null;
        return mine ? 'mark' : null;
      },
      drag: (x, y, dx, dy) => {
        const one = v.selection[0];
        if (lassoing.current) v.trace.push(v.toPhoto(x, y));
        else if (one && from) boxes.put(one, {...one, x: one.x + dx / v.scale, y: one.y + dy / v.scale});
        v.redraw();
      },
      drop: () => {
        const one = v.selection[0];
        if (lassoing.current) {
          const found = v.trace.length > 2 ? boxes.inside(v.trace, v.threshold) : [];
          v.trace = [];
          setLasso(false);
          choose(found);
        } else if (one && from) {
          const to = {x: one.x, y: one.y, w: one.w, h: one.h};
          boxes.move(one, to, from);
          from = null;
          changed();
        }
      },
    });
    const resized = new ResizeObserver(() => v.redraw());
    resized.observe(stage.current);
    return () => {
      stopGestures();
      resized.disconnect();
      v.stop();
    };
  }, [boxes]);

  useEffect(() => {
    if (!view.current) return;
    view.current.threshold = threshold;
    view.current.layers = layers;
    view.current.redraw();
  }, [threshold, layers]);

  useEffect(() => {
    const arrows: Record<string, [number, number]> = {ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP]};
    const key = (event: KeyboardEvent) => {
      const v = view.current;
      if (!v || event.target instanceof HTMLInputElement) return;
      const command = event.ctrlKey || event.metaKey;
      const onStage = event.target === stage.current || event.target === document.body;
      const arrow = arrows[event.key];
      if (command && event.key === 'z') { if (boxes.undo()) changed(); }
      else if (command && event.key === 'y') { if (boxes.redo()) changed(); }
      else if (event.key === 'Delete' && edits) { boxes.remove(chosen()); changed(); }
      else if (arrow && onStage && edits && chosen().length) nudge(event.shiftKey, ...arrow);
      else if (arrow && onStage) v.pan(-arrow[0] * 30, -arrow[1] * 30);
      else if (event.key === 'n') {
        const next = boxes.leastCertain(v.selection[0] ?? null, v.threshold);
        choose(next ? [next] : []);
        if (next) v.show(next);
      } else if (event.key === ' ' && onStage && edits && !session.validated) void validate();
      else if (event.key === 'Escape') choose([]);
      else if (event.key === '+') v.zoom(1.3);
      else if (event.key === '-') v.zoom(1 / 1.3);
      else if (event.key === '0') v.fit();
      else if (/^[1-4]$/.test(event.key)) toggle(switches[Number(event.key) - 1]![0]);
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, [boxes]);

  const plants = boxes.count('plant', threshold) + session.total_estimated;
  const model = session.total_detected + session.total_estimated;
  const dirty = boxes.canUndo || threshold > 0; // a look at all marks would cost every step of the slider

  const save = async (force = false) => {
    const base = `photos/sessions/${session.session_id}/adjustments`;
    const adjustments = adjustmentsOf(boxes, threshold, reason.trim());
    const {reverted} = boxes.changes();
    try {
      if (adjustments.length)
        await send('POST', base, {adjustments}, whole.etag && !force ? {'If-Match': whole.etag} : {});
      for (const box of reverted) await send('POST', `${base}/${box.adjustment}/revert`, {reason: reason.trim()});
      await cache(draftKey(session.session_id), null);
      say(t('session.saved'));
      reload();
    } catch (error) {
      setFault(error as ApiError);
    }
  };
  const discard = async () => {
    await cache(draftKey(session.session_id), null);
    reload();
  };
  const validate = async () => {
    try {
      await send('POST', `photos/sessions/${session.session_id}/validate`, {validated: true});
      reload();
    } catch (error) {
      setFault(error as ApiError);
    }
  };

  return (
    <div class="editor" data-version={version}>
      <div class="stage" ref={stage} tabIndex={0} role="application" aria-label={t('session.title')} aria-describedby="editor-help">
        <canvas ref={canvas} />
        <div class="zoom">
          <button aria-label={t('session.zoomin')} onClick={() => view.current?.zoom(1.4)}>+</button>
          <button aria-label={t('session.zoomout')} onClick={() => view.current?.zoom(1 / 1.4)}>−</button>
          <button aria-label={t('session.fit')} onClick={() => view.current?.fit()}>0</button>
        </div>
      </div>
      <div class="panel">
        <div class="row between wrap">
          <h1>{t('common.plants', {n: plants})}</h1>
          {session.validated && <span class="badge">✓</span>}
        </div>
        <p class="muted">
          {t('session.model', {n: model})} → {t('session.corrected', {n: plants, delta: signed(plants - model)})}
          {session.avg_confidence !== null && ` · ${percent(session.avg_confidence, 0)}`}
        </p>
        {boxes.all.length === 0 && <p class="notice">{t('session.none')}</p>}
        {!whole.image && <p class="notice">{t('session.noimage')}</p>}
        <Histogram boxes={boxes} threshold={threshold} />
        <label class="input"><span>{t('session.threshold')}: {number(threshold, 2)}</span>
          <input type="range" min="0" max="0.95" step="0.01" value={threshold}
            onInput={(e) => setThreshold(Number(e.currentTarget.value))} /></label>
        <div class="chips" role="group" aria-label={t('session.layers')}>
          {switches.map(([name, key]) => (
            <button key={name} aria-pressed={layers[name]} onClick={() => toggle(name)}>{t(key)}</button>
          ))}
        </div>
        {fault && <ErrorCard error={fault} />}
        {fault?.status === 412 && (
          <div class="row wrap">
            <button onClick={() => void save(true)}>{t('session.both')}</button>
            <button onClick={() => void discard()}>{t('session.theirs')}</button>
          </div>
        )}
        {edits && (
          <>
            <p class="muted" id="editor-help">{t('session.help')} <span class="wide-only">{t('session.keys')}</span></p>
            <div class="row wrap">
              <button disabled={!boxes.canUndo} onClick={() => { boxes.undo(); changed(); }}>{t('common.undo')}</button>
              <button disabled={!boxes.canRedo} onClick={() => { boxes.redo(); changed(); }}>{t('common.redo')}</button>
              <button aria-pressed={lasso} onClick={() => setLasso(!lasso)}>{t('session.lasso')}</button>
              <button onClick={() => { const next = boxes.leastCertain(view.current?.selection[0] ?? null, threshold); choose(next ? [next] : []); if (next) view.current?.show(next); }}>{t('session.next')}</button>
            </div>
            {chosen().length > 0 && (
              <div class="row wrap" role="group" aria-label={t('session.chosen', {n: chosen().length})}>
                <strong>{t('session.chosen', {n: chosen().length})}</strong>
                <button onClick={() => { boxes.remove(chosen()); changed(); }}>{t('session.remove')}</button>
                {kinds.map(([kind, key]) => (
                  <button key={kind} onClick={() => { boxes.setKind(chosen(), kind); changed(); }}>{t(key)}</button>
                ))}
                {moves.map(([label, dx, dy]) => (
                  <button key={label} aria-label={t(label)} onClick={() => nudge(false, dx, dy)}>{dx < 0 ? '←' : dx > 0 ? '→' : dy < 0 ? '↑' : '↓'}</button>
                ))}
                <button aria-label={t('session.larger')} onClick={() => nudge(true, STEP, STEP)}>⤢</button>
                <button aria-label={t('session.smaller')} onClick={() => nudge(true, -STEP, -STEP)}>⤡</button>
              </div>
            )}
            <div>
            </div>
            {dirty ? (
              <>
                <label class="input"><span>{t('session.reason')}</span>
                  <input value={reason} onInput={(e) => setReason(e.currentTarget.value)} /></label>
                <button class="primary shutter" disabled={reason.trim().length < REASON_LEAST} onClick={() => void save()}>{t('common.save')}</button>
              </>
            ) : !session.validated && (
              <button class="primary shutter" onClick={() => void validate()}>{t('session.validate')}</button>
            )}
          </>
        )}
      </div>
    </div>
  );
}

export default function SessionScreen({place, me}: ScreenProps): JSX.Element {
  const id = place.path[1] ?? '';
  const whole = useLoad(() => load(id), [id]);
  if (whole.error && !whole.data) return <div style={{padding: '16px'}}><ErrorCard error={whole.error} retry={whole.reload} /></div>;
  return whole.data ? <Editor key={id} whole={whole.data} me={me} reload={whole.reload} /> : <div class="skeleton" aria-busy="true" />;
}
