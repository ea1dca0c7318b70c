// SPDX-License-Identifier: Apache-2.0
// A photograph and its count: layers, zoom, threshold, corrections, validation.
import type {JSX} from 'preact';
import {useEffect, useMemo, useRef, useState} from 'preact/hooks';
import {ApiError, get, request, send} from '../api';
import {Boxes, type Box} from '../editor/boxes';
import {listen} from '../editor/gestures';
import {View, type Layers} from '../editor/view';
import {number, percent, signed, t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import {say} from '../store';
import {ErrorCard, useLoad} from '../ui/parts';

interface Detection {
  id: number;
  center_x_px: number;
  center_y_px: number;
  width_px: number;
  height_px: number;
  detection_confidence: number;
  is_empty_container: boolean;
  is_alive: boolean;
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
}
const PAGE = 200;

async function detections(id: string): Promise<Detection[]> {
  const first = await get<Detection[] | {detections?: Detection[]; items?: Detection[]; pagination: {total_pages: number}}>(
    `photos/sessions/${id}/detections?per_page=${PAGE}`);
  if (Array.isArray(first)) return first;
  const rows = [...(first.detections ?? first.items ?? [])];
  for (let page = 2; page <= first.pagination.total_pages; page++) {
    const next = await get<{detections?: Detection[]; items?: Detection[]}>(`photos/sessions/${id}/detections?per_page=${PAGE}&page=${page}`);
    rows.push(...(next.detections ?? next.items ?? []));
  }
  return rows;
}

async function bitmap(image: string): Promise<ImageBitmap | null> {
  try {
    return await createImageBitmap(await (await request(`api/v1/photos/${image}/file?redirect=false`)).blob());
  } catch {
    return null;
  }
}

async function load(id: string): Promise<Whole> {
  const session = await get<Session>(`photos/sessions/${id}`);
  const [rows, image] = await Promise.all([detections(id), session.original_image_id ? bitmap(session.original_image_id) : null]);
  const boxes = rows.map((d): Box => ({
    id: d.id, x: d.center_x_px, y: d.center_y_px, w: d.width_px, h: d.height_px, confidence: d.detection_confidence,
    kind: d.is_empty_container ? 'empty' : d.is_alive ? 'plant' : 'dead', removed: false,
  }));
  const width = image?.width ?? Math.max(1, ...boxes.map((b) => b.x + b.w));
  const height = image?.height ?? Math.max(1, ...boxes.map((b) => b.y + b.h));
  return {session, boxes: new Boxes(boxes, width, height), image};
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
  const edits = me.role === 'supervisor' || me.role === 'admin';
  const changed = () => {
    setVersion(boxes.version);
    view.current?.redraw();
  };

  useEffect(() => {
    if (!stage.current || !canvas.current) return undefined;
    const v = new View(canvas.current, boxes, whole.image);
    view.current = v;
    v.fit();
    const stopGestures = listen(stage.current, {
      pan: (dx, dy) => v.pan(dx, dy),
      zoom: (factor, x, y) => v.zoom(factor, x, y),
      tap: (x, y) => {
        const p = v.toPhoto(x, y);
        const hit = boxes.at(p.x, p.y, v.threshold, 6 / v.scale);
        if (hit) v.selected = v.selected === hit ? null : hit;
        else if (edits) v.selected = boxes.add(p.x, p.y);
        changed();
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
    const key = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLInputElement) return;
      const v = view.current;
      if (!v) return;
      if ((event.ctrlKey || event.metaKey) && event.key === 'z' && boxes.undo()) changed();
      else if ((event.ctrlKey || event.metaKey) && event.key === 'y' && boxes.redo()) changed();
      else if (event.key === 'Delete' && v.selected && edits) { boxes.remove([v.selected]); changed(); }
      else if (event.key === '+') v.zoom(1.3);
      else if (event.key === '-') v.zoom(1 / 1.3);
      else if (event.key === '0') v.fit();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, [boxes]);

  const plants = boxes.count('plant', threshold) + session.total_estimated;
  const model = session.total_detected + session.total_estimated;
  const {added, removed} = boxes.changes();
  const dirty = added.length + removed.length > 0;

  const save = async () => {
    const adjustments = [
      ...(added.length ? [{kind: 'add_plants', quantity: added.length, reason}] : []),
      ...removed.map((b) => ({kind: 'remove_plants', detection_id: b.id, quantity: 1, reason})),
    ];
    try {
      await send('POST', `photos/sessions/${session.session_id}/adjustments`, {adjustments});
      say(t('session.saved'));
      reload();
    } catch (error) {
      setFault(error as ApiError);
    }
  };
  const validate = async () => {
    try {
      await send('POST', `photos/sessions/${session.session_id}/validate`, {validated: true});
      reload();
    } catch (error) {
      setFault(error as ApiError);
    }
  };

  const switches: [keyof Layers, Key][] = [['photo', 'session.layer.photo'], ['plants', 'session.layer.plants'],
    ['empties', 'session.layer.empties'], ['points', 'session.layer.points']];
  return (
    <div class="editor" data-version={version}>
      <div class="stage" ref={stage}>
        <canvas ref={canvas} aria-label={t('session.title')} />
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
            <button key={name} aria-pressed={layers[name]} onClick={() => setLayers({...layers, [name]: !layers[name]})}>{t(key)}</button>
          ))}
        </div>
        {fault && <ErrorCard error={fault} />}
        {edits && (
          <>
            <p class="muted">{t('session.help')}</p>
            <div class="row wrap">
              <button disabled={!boxes.canUndo} onClick={() => { boxes.undo(); changed(); }}>{t('common.undo')}</button>
              <button disabled={!boxes.canRedo} onClick={() => { boxes.redo(); changed(); }}>{t('common.redo')}</button>
              <button disabled={!view.current?.selected || view.current.selected.removed}
                onClick={() => { if (view.current?.selected) boxes.remove([view.current.selected]); changed(); }}>{t('session.remove')}</button>
            </div>
            {dirty ? (
              <>
                <label class="input"><span>{t('session.reason')}</span>
                  <input value={reason} onInput={(e) => setReason(e.currentTarget.value)} /></label>
                <button class="primary shutter" disabled={reason.trim().length < 3} onClick={() => void save()}>{t('common.save')}</button>
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
