// SPDX-License-Identifier: Apache-2.0
// What waits for a person's eye: held counts, photos that miss something, failed ones. By keyboard:
// j and k to go, space to release or validate.
import type {JSX} from 'preact';
import {useEffect, useState} from 'preact/hooks';
import {get, send} from '../api';
import {dayTime, named, number, percent, since, t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import {Form} from '../office/form';
import {page, useNames} from '../office/lists';
import {setQuery} from '../router';
import {say} from '../store';
import {Empty, ErrorCard, Photo, Show, useLoad} from '../ui/parts';
import {wordsOf} from '../words';
import '../i18n/office';

interface Session {
  id: number; session_id: string; storage_location_id: number | null; original_image_id: string | null; total_detected: number; total_estimated: number;
  total_empty_containers: number; avg_confidence: number | null; status: string; error_message: string | null; validated: boolean; warning: string | null;
  posting_status: string; hold_reasons: string[]; captured_at: string; manual_adjustments: {quantity_delta: number};
}
const kinds: [string, Key, string][] = [
  ['held', 'review.held', 'posting_status=held'], ['needs_location', 'warning.needs_location', 'warning=needs_location'],
  ['location_uncertain', 'warning.location_uncertain', 'warning=location_uncertain'], ['needs_config', 'warning.needs_config', 'warning=needs_config'],
  ['needs_calibration', 'warning.needs_calibration', 'warning=needs_calibration'], ['no_detections', 'warning.no_detections', 'warning=no_detections'],
  ['failed', 'gallery.failed', 'status=failed'], ['unvalidated', 'review.unvalidated', 'status=completed&validated=false']];

interface Counts {
  [kind: string]: number;
}
async function countAll(): Promise<Counts> {
  const all = await Promise.all(kinds.map(async ([name, , filter]) => [name, (await page(`photos/sessions?${filter}&per_page=1`)).total] as const));
  return Object.fromEntries(all);
}

function Item({session, kind, onDone}: {session: Session; kind: string; onDone: (text: Key) => void}): JSX.Element {
  const names = useNames(['claros']);
  const s = session;
  const [act, setAct] = useState<'reject' | 'empty' | null>(null);
  const code = s.storage_location_id === null ? null : names.claros?.get(s.storage_location_id)?.label ?? '…';
  const total = s.total_detected + s.total_estimated + s.manual_adjustments.quantity_delta;
  const call = (path: string, body: unknown, text: Key) =>
    send('POST', `photos/sessions/${s.session_id}/${path}`, body).then(() => onDone(text), (error: unknown) => say(wordsOf(error)));
  const approve = () => void (s.posting_status === 'held' ? call('post', {}, 'review.released') : call('validate', {validated: true}, 'review.validated'));
  useEffect(() => {
    const key = (e: KeyboardEvent) => {
      if (e.key !== ' ' || (e.target as Element).closest('input,textarea,select,button,a,dialog')) return;
      e.preventDefault();
      if (kind === 'held' || kind === 'unvalidated') approve();
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, [s.session_id, kind]);
  return (
    <article class="card" aria-label={code ?? t('warning.needs_location')}>
      <div class="row between wrap">
        <h2>{code ? <a href={`#/claro/${s.storage_location_id}`}>{code}</a> : t('warning.needs_location')}</h2>
        <span class="muted">{dayTime(s.captured_at)}</span>
      </div>
      <p class="row wrap tight">
        {s.hold_reasons.map((r) => <span key={r} class="badge warn">{named('hold', r)}</span>)}
        {s.warning && <span class="badge warn">{named('warning', s.warning)}</span>}
        {s.status === 'failed' && <span class="badge bad">{s.error_message ?? t('status.failed')}</span>}
      </p>
      <a class="photo-card tall" href={`#/session/${s.session_id}`}>
        <Photo path={s.original_image_id ? `photos/${s.original_image_id}/thumbnail?size=1024` : null} alt={t('session.title')} />
        <span class="text">{t('review.open')}</span>
      </a>
      <div class="row wrap">
        <strong class="big">{t('common.plants', {n: total})}</strong>
        {s.avg_confidence !== null && <span class="muted">{t('review.confidence', {n: percent(s.avg_confidence, 0)})}</span>}
      </div>
      {(kind === 'needs_location' || kind === 'location_uncertain') && (
        <Form id={`place:${s.session_id}`} label="review.confirm" initial={{storage_location_id: s.storage_location_id}}
          fields={[{name: 'storage_location_id', key: 'field.claro', kind: 'list', list: 'claros', need: true}]} submit={async (body) => {
            await send('PATCH', `photos/sessions/${s.session_id}`, {storage_location_id: body.storage_location_id ?? s.storage_location_id});
            onDone('review.placed');
          }} />
      )}
      <div class="row wrap" role="group" aria-label={t('recon.actions')}>
        {(kind === 'held' || s.posting_status === 'held') && <button class="primary field" onClick={approve}>{t('review.release')}</button>}
        {kind === 'unvalidated' && <button class="primary field" onClick={approve}>{t('session.validate')}</button>}
        {kind === 'needs_config' && s.storage_location_id !== null && <a class="button primary field" href={`#/config?claros=${s.storage_location_id}`}>{t('review.configure')}</a>}
        {kind === 'needs_calibration' && <a class="button primary field" href="#/density">{t('nav.density')}</a>}
        {kind === 'no_detections' && <button class="field" onClick={() => setAct('empty')}>{t('review.empty.claro')}</button>}
        {s.original_image_id && (kind === 'failed' || kind === 'no_detections' || kind === 'needs_calibration') && (
          <button class="field" onClick={() => void send('POST', `photos/${s.original_image_id}/reprocess`, {}).then(() => onDone('review.again'), (e: unknown) => say(wordsOf(e)))}>{t('review.reprocess')}</button>
        )}
        <a class="button field" href={`#/session/${s.session_id}`}>{t('review.correct')}</a>
        {s.original_image_id && <button class="danger field" onClick={() => setAct('reject')}>{t('review.reject')}</button>}
      </div>
      {act === 'empty' && <Form id={`empty:${s.session_id}`} label="review.empty.claro" fields={[{name: 'reason', key: 'session.reason', kind: 'text', need: true, min: 5, max: 500}]} submit={async (body) => {
        await send('POST', `photos/sessions/${s.session_id}/adjustments`, {adjustments: [{kind: 'claro_empty', reason: body.reason}]});
        onDone('form.saved');
      }} />}
      {act === 'reject' && <Form id={`reject:${s.session_id}`} danger label="review.reject" fields={[{name: 'reason', key: 'session.reason', kind: 'text', need: true, min: 5, max: 500}]} submit={async (body) => {
        await send('POST', 'photos/batch-delete', {image_ids: [s.original_image_id], reason: body.reason});
        onDone('review.rejected');
      }} />}
    </article>
  );
}

export default function Review({place}: ScreenProps): JSX.Element {
  const counts = useLoad(countAll, []);
  const first = kinds.find(([name]) => (counts.data?.[name] ?? 0) > 0)?.[0] ?? 'held';
  const kind = place.query.get('kind') ?? first;
  const filter = kinds.find(([name]) => name === kind)?.[2] ?? '';
  const list = useLoad(() => get<{items: Session[]}>(`photos/sessions?${filter}&per_page=50`), [filter]);
  const [at, setAt] = useState(0);
  const rows = list.data?.items ?? [];
  const session = rows[Math.min(at, rows.length - 1)];
  useEffect(() => setAt(0), [kind]);
  useEffect(() => {
    const key = (e: KeyboardEvent) => {
      if ((e.target as Element).closest('input,textarea,select,dialog')) return;
      if (e.key === 'j') setAt((n) => Math.min(rows.length - 1, n + 1));
      if (e.key === 'k') setAt((n) => Math.max(0, n - 1));
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, [rows.length]);
  const done = (text: Key) => {
    say(t(text));
    list.reload();
    counts.reload();
  };
  return (
    <>
      <h1>{t('nav.review')}</h1>
      {counts.error && <ErrorCard error={counts.error} retry={counts.reload} />}
      <div class="chips" role="group" aria-label={t('nav.review')}>
        {kinds.map(([name, key]) => (
          <button key={name} aria-pressed={kind === name} onClick={() => setQuery({kind: name})}>
            {t(key)} {(counts.data?.[name] ?? 0) > 0 && <span class={`badge ${name === 'failed' ? 'bad' : 'warn'}`}>{number(counts.data?.[name] ?? 0)}</span>}
          </button>
        ))}
      </div>
      <Show from={list}>
        {({items}) => items.length === 0 ? <Empty text={t('home.review.empty')} /> : (
          <div class="split">
            {session && <Item key={session.session_id} session={session} kind={kind} onDone={done} />}
            <ol class="list card" aria-label={t('nav.review')}>
              {items.map((s, i) => (
                <li key={s.session_id}>
                  <button class={`line plain ${s === session ? 'current' : ''}`} aria-current={s === session} onClick={() => setAt(i)}>
                    <span>{named('hold', s.hold_reasons[0] ?? s.warning ?? s.status)}</span><span class="num">{number(s.total_detected + s.total_estimated)}</span>
                    <span class="muted">{t('common.ago', {time: since(s.captured_at)})}</span>
                  </button>
                </li>
              ))}
            </ol>
          </div>
        )}
      </Show>
    </>
  );
}
