// SPDX-License-Identifier: Apache-2.0
// What the server is doing: each photo and file with stage, percent and time left; the queues for who
// keeps them running.
import type {JSX} from 'preact';
import {useEffect} from 'preact/hooks';
import {get, send} from '../api';
import {dayTime, duration, named, number, percent, since, t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import type {Field} from '../office/fields';
import {query} from '../office/lists';
import {Filters} from '../office/resource';
import {say} from '../store';
import {Empty, Figure, Show, useLoad} from '../ui/parts';
import {wordsOf} from '../words';
import '../i18n/office';

interface Job {
  job_id: string; kind: string; status: string; progress_percent: number; step: string | null; filename: string | null; attempts: number; max_attempts: number;
  created_at: string; started_at: string | null; finished_at: string | null; duration_s: number | null; session_id: string | null; warning: string | null;
  error: {code: string; message: string; retryable: boolean} | null; result: {total_plants?: number} | null;
}
interface Queue {
  queue: string; paused: boolean; pending: number; processing: number; dead: number; oldest_at: string | null;
}
interface Stats {
  pending: number; processing: number; failed_24h: number; completed_24h: number; avg_duration_s: number;
}
const EVERY_MS = 3000;
const SLOW = 3;
const filters: Field[] = [
  {name: 'status', key: 'stock.state', kind: 'choice', choices: ['pending', 'processing', 'completed', 'failed', 'cancelled'].map((s) => [s, `status.${s}` as Key])},
  {name: 'kind', key: 'field.type', kind: 'choice', choices: ['process_photo', 'reprocess_photo', 're_estimate', 'export', 'sales_import', 'map_import', 'calibrate', 'cleanup'].map((k) => [k, `job.${k}` as Key])}];

/** Seconds left of a running job, by how far it came in how long. */
function left(job: Job, now: number): number | null {
  if (job.status !== 'processing' || !job.started_at || job.progress_percent < 5) return null;
  const spent = (now - Date.parse(job.started_at)) / 1000;
  return (spent / job.progress_percent) * (100 - job.progress_percent);
}

function Queues({act}: {act: boolean}): JSX.Element | null {
  const queues = useLoad(() => get<Queue[]>('jobs/queues'), []);
  const stats = useLoad(() => get<Stats>('jobs/stats'), []);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState !== 'visible') return;
      queues.reload();
      stats.reload();
    }, EVERY_MS * 2);
    return () => clearInterval(timer);
  }, [queues.reload, stats.reload]);
  const turn = (q: Queue) => void send('POST', `jobs/queues/${q.queue}/${q.paused ? 'resume' : 'pause'}`).then(queues.reload, (e: unknown) => say(wordsOf(e)));
  return (
    <>
      {stats.data && (
        <div class="grid figures">
          <Figure name={t('status.pending')} value={number(stats.data.pending)} /><Figure name={t('status.processing')} value={number(stats.data.processing)} />
          <Figure name={t('jobs.done24')} value={number(stats.data.completed_24h)} note={t('jobs.mean', {time: duration(stats.data.avg_duration_s)})} />
          <Figure name={t('jobs.failed24')} value={number(stats.data.failed_24h)} />
        </div>
      )}
      <Show from={queues} rows={1}>
        {(all) => (
          <ul class="list card">{all.map((q) => (
            <li key={q.queue}><div class="line">
              <strong>{named('queue', q.queue)} {q.paused && <span class="badge warn">{t('jobs.paused')}</span>}</strong>
              {act ? <button class="small" onClick={() => turn(q)}>{t(q.paused ? 'jobs.resume' : 'jobs.pause')}</button> : <span />}
              <span class="muted">{t('jobs.depth', {pending: q.pending, processing: q.processing, dead: q.dead})}{q.oldest_at && ` · ${t('jobs.oldest', {time: since(q.oldest_at)})}`}</span>
            </div></li>
          ))}</ul>
        )}
      </Show>
    </>
  );
}

export default function Jobs({place, me}: ScreenProps): JSX.Element {
  const lead = me.role === 'supervisor' || me.role === 'admin';
  const asked = query({per_page: 50, ...Object.fromEntries(filters.map((f) => [f.name, place.query.get(f.name)]))});
  const jobs = useLoad(() => get<{items: Job[]}>(`jobs${asked}`), [asked]);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && jobs.reload(), EVERY_MS);
    return () => clearInterval(timer);
  }, [jobs.reload]);
  const act = (id: string, what: string) => void send('POST', `jobs/${id}/${what}`, {}).then(jobs.reload, (e: unknown) => say(wordsOf(e)));
  const retryAll = () => void send<{retried: number}>('POST', 'jobs/retry-failed', {}).then((r) => { say(t('jobs.retried', {n: r.retried})); jobs.reload(); }, (e: unknown) => say(wordsOf(e)));
  const usual = (rows: Job[]) => {
    const done = rows.map((j) => j.duration_s).filter((d): d is number => d !== null);
    return done.length ? done.reduce((a, b) => a + b, 0) / done.length : null;
  };
  return (
    <>
      <div class="row between wrap">
        <h1>{t('nav.jobs')}</h1>
        {lead && jobs.data?.items.some((j) => j.status === 'failed') && <button onClick={retryAll}>{t('jobs.retryall')}</button>}
      </div>
      {lead && <Queues act={me.role === 'admin'} />}
      <Filters place={place} fields={filters} />
      <Show from={jobs}>
        {({items}) => items.length === 0 ? <Empty text={t('jobs.empty')} /> : (
          <ul class="list card">
            {items.map((j) => {
              const rest = left(j, Date.now());
              const mean = usual(items);
              const slow = j.status === 'processing' && j.started_at && mean !== null && (Date.now() - Date.parse(j.started_at)) / 1000 > SLOW * mean;
              return (
                <li key={j.job_id}><div class="line">
                  <strong>{j.session_id ? <a class="inline" href={`#/session/${j.session_id}`}>{j.filename ?? named('job', j.kind)}</a> : j.filename ?? named('job', j.kind)}</strong>
                  <span class={`badge ${j.status === 'failed' ? 'bad' : j.status === 'completed' ? 'good' : j.status === 'cancelled' ? 'plain' : 'warn'}`}>
                    {j.status === 'processing' ? percent(j.progress_percent / 100, 0) : named('status', j.status)}
                  </span>
                  {j.status === 'processing' && <progress class="full" max={100} value={j.progress_percent} aria-label={j.step ? named('step', j.step) : t('status.processing')} />}
                  <span class="muted">
                    {[j.step && j.status === 'processing' ? named('step', j.step) : null, rest !== null ? t('jobs.left', {time: duration(rest)}) : null, slow ? t('jobs.slow') : null,
                      j.warning ? named('warning', j.warning) : null, j.error?.message, j.attempts > 1 ? t('jobs.tries', {n: j.attempts, max: j.max_attempts}) : null, dayTime(j.created_at)].filter(Boolean).join(' · ')}
                  </span>
                  {j.status === 'failed' || j.status === 'cancelled' ? <button class="small" onClick={() => act(j.job_id, 'retry')}>{t('jobs.retry')}</button>
                    : j.status === 'pending' || j.status === 'processing' ? <button class="small" onClick={() => act(j.job_id, 'cancel')}>{t('jobs.cancel')}</button> : <span />}
                </div></li>
              );
            })}
          </ul>
        )}
      </Show>
    </>
  );
}
