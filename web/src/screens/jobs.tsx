// SPDX-License-Identifier: Apache-2.0
import type {JSX} from 'preact';
import {useEffect} from 'preact/hooks';
import {get, send} from '../api';
import {dayTime, named, percent, t} from '../i18n';
import {Empty, Show, useLoad} from '../ui/parts';

interface Job {
  job_id: string;
  kind: string;
  status: string;
  progress_percent: number;
  step: string | null;
  filename: string | null;
  created_at: string;
  error: {code: string; message: string; retryable: boolean} | null;
}
const EVERY_MS = 4000;

export default function Jobs(): JSX.Element {
  const jobs = useLoad(() => get<{jobs?: Job[]; items?: Job[]} | Job[]>('jobs?per_page=50'), []);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && jobs.reload(), EVERY_MS);
    return () => clearInterval(timer);
  }, [jobs.reload]);
  const act = (id: string, what: string) => void send('POST', `jobs/${id}/${what}`, {}).then(jobs.reload, jobs.reload);
  return (
    <>
      <h1>{t('nav.jobs')}</h1>
      <Show from={jobs}>
        {(reply) => {
          const rows = Array.isArray(reply) ? reply : reply.jobs ?? reply.items ?? [];
          return rows.length === 0 ? <Empty text={t('jobs.empty')} /> : (
            <ul class="list card">
              {rows.map((j) => (
                <li key={j.job_id}><div class="line">
                  <strong>{j.filename ?? j.kind}</strong>
                  <span class={`badge ${j.status === 'failed' ? 'bad' : j.status === 'completed' ? '' : 'warn'}`}>
                    {j.status === 'processing' ? percent(j.progress_percent / 100, 0) : named('status', j.status)}
                  </span>
                  <span class="muted">{dayTime(j.created_at)} {j.error ? `· ${j.error.message}` : ''}</span>
                  {j.status === 'failed' ? <button onClick={() => act(j.job_id, 'retry')}>{t('jobs.retry')}</button>
                    : j.status === 'pending' || j.status === 'processing'
                      ? <button onClick={() => act(j.job_id, 'cancel')}>{t('jobs.cancel')}</button> : <span />}
                </div></li>
              ))}
            </ul>
          );
        }}
      </Show>
    </>
  );
}
