// SPDX-License-Identifier: Apache-2.0
// Is all well: database, storage, workers, models, breakers, in words; nothing in the report is secret.
import type {JSX} from 'preact';
import {get} from '../api';
import {duration, named, number, t} from '../i18n';
import {say} from '../store';
import {Figure, Show, useLoad} from '../ui/parts';
import '../i18n/office';

interface System {
  version: string; build: string | null; database: {version: string; pool_size: number; pool_used: number}; storage: string;
  models: {name: string; version: string; device: string; loaded: boolean}[]; breakers: {name: string; state: string; failures: number; retry_at: string | null}[];
}
interface Ready {
  status: string; database: string; redis: string; storage: string; workers: Record<string, string>; version: string; uptime_s: number;
}
interface Accuracy {
  sessions: number; validated: number; adjusted: number; avg_confidence: number | null; mean_abs_error_pct: number | null;
}
const tone = (state: string): string => (['healthy', 'connected', 'active', 'idle', 'closed'].includes(state) ? 'good' : ['disabled', 'degraded', 'half_open'].includes(state) ? 'warn' : 'bad');

export default function SystemScreen(): JSX.Element {
  const system = useLoad(() => get<System>('admin/system'), []);
  const ready = useLoad(async () => (await (await fetch('health/ready')).json()) as Ready, []);
  const accuracy = useLoad(() => get<Accuracy>('analytics/ml/accuracy'), []);
  const lines = (r: Ready): [string, string][] => [['database', r.database], ['storage', r.storage], ...Object.entries(r.workers)];
  const report = () => void navigator.clipboard.writeText(JSON.stringify({system: system.data, ready: ready.data}, null, 2)).then(() => say(t('common.copied')));
  return (
    <>
      <div class="row between wrap"><h1>{t('nav.system')}</h1><button onClick={report}>{t('system.report')}</button></div>
      <Show from={ready} rows={1}>
        {(r) => (
          <section class="card">
            <div class="row between wrap"><h2>{t('system.health')}</h2><span class={`badge ${tone(r.status)}`}>{named('health', r.status)}</span></div>
            <ul class="list">{lines(r).map(([name, state]) => (
              <li key={name}><div class="line"><span>{named('part', name)}</span><span class={`badge ${tone(state)}`}>{named('health', state)}</span></div></li>
            ))}</ul>
            <p class="muted">{t('system.up', {time: duration(r.uptime_s)})}</p>
          </section>
        )}
      </Show>
      <Show from={system}>
        {(s) => (
          <div class="columns">
            <section class="card"><h2>{t('system.version')}</h2>
              <dl class="facts"><dt>Demeter</dt><dd>{s.version}</dd><dt>{t('system.build')}</dt><dd>{s.build ?? '–'}</dd><dt>{t('part.database')}</dt><dd>{s.database.version}</dd></dl>
              <p class="row wrap"><a class="button" href="docs">{t('system.api')}</a><a class="button" href="#/jobs">{t('nav.jobs')}</a></p></section>
            <section class="card"><h2>{t('nav.models')}</h2>
              {s.models.length === 0 ? <p class="muted">{t('system.nomodels')}</p> : (
                <ul class="list">{s.models.map((m) => <li key={m.name}><div class="line"><strong>{m.name}</strong><span class={`badge ${m.loaded ? 'good' : 'plain'}`}>{t(m.loaded ? 'system.loaded' : 'system.idle')}</span><span class="muted">{m.version} · {m.device}</span></div></li>)}</ul>
              )}</section>
            {s.breakers.length > 0 && <section class="card"><h2>{t('system.breakers')}</h2>
              <ul class="list">{s.breakers.map((b) => <li key={b.name}><div class="line"><span>{b.name}</span><span class={`badge ${tone(b.state)}`}>{named('health', b.state)}</span></div></li>)}</ul></section>}
          </div>
        )}
      </Show>
      {accuracy.data && (
        <div class="grid figures">
          <Figure name={t('system.sessions')} value={number(accuracy.data.sessions)} /><Figure name={t('system.validated')} value={number(accuracy.data.validated)} />
          {accuracy.data.mean_abs_error_pct !== null && <Figure name={t('system.error')} value={`${number(accuracy.data.mean_abs_error_pct, 1)} %`} note={t('system.error.note')} />}
        </div>
      )}
    </>
  );
}
