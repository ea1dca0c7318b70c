// SPDX-License-Identifier: Apache-2.0
// One home for each person: a worker's camera, everybody else's figures.
import type {JSX} from 'preact';
import {get} from '../api';
import {clock, money, number, percent, t, named, signed, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import {outbox} from '../offline/outbox';
import {useValue} from '../store';
import {Empty, Figure, Icon, Show, Sparkline, useLoad} from '../ui/parts';

interface Movement {
  id: number;
  movement_type: string;
  quantity: number;
  created_at: string;
  reason_description?: string | null;
}
interface Dashboard {
  total_plants: number;
  total_pots: number;
  configured_locations: number;
  total_locations: number;
  photos_last_7_days: number;
  sellable_share_pct: number | null;
  stock_value: number | null;
  deaths_30_days: number;
  uncounted_35_days: number;
  open_warnings: number;
  held_counts: number;
  recent_movements: Movement[];
}
interface Trend {
  period_start: string;
  total_plants: number;
}

export function Home({me}: ScreenProps): JSX.Element {
  return me.role === 'worker' ? <WorkerHome me={me} /> : <OfficeHome me={me} />;
}

function Strip(): JSX.Element {
  const items = useValue(outbox);
  const problems = items.filter((i) => i.state === 'problem').length;
  const sent = items.filter((i) => i.state === 'sent').length;
  return (
    <a class={`badge ${problems ? 'bad' : ''}`} href="#/outbox" style={{minHeight: '44px', textDecoration: 'none'}}>
      {t('home.strip', {waiting: items.length - sent - problems, sent})}
      {problems > 0 && ` · ${t('home.strip.problem', {n: problems})}`}
    </a>
  );
}

function Movements({rows}: {rows: Movement[]}): JSX.Element {
  return (
    <ul class="list">
      {rows.map((m) => (
        <li key={m.id}><div class="line">
          <span>{named('movement', m.movement_type)}</span>
          <strong class="num">{signed(m.quantity)}</strong>
          <span class="muted">{m.reason_description ?? ''}</span>
          <span class="muted num">{clock(m.created_at)}</span>
        </div></li>
      ))}
    </ul>
  );
}

const notes: [string, Key, string][] = [['muerte', 'home.deaths', 'death'], ['plantar', 'home.planted', 'plant'], ['transplante', 'home.move', 'movements'],
  ['manual', 'home.manual', 'tally']];

function WorkerHome({me}: {me: ScreenProps['me']}): JSX.Element {
  const today = new Date().toISOString().slice(0, 10);
  const mine = useLoad(() => get<Movement[]>(`stock/history?user_id=${me.id}&date_from=${today}&limit=5`), [me.id]);
  return (
    <>
      <h1>{t('home.hello', {name: me.first_name ?? ''})}</h1>
      <a class="button primary camera-button" href="#/camera"><Icon name="camera" />{t('home.camera')}</a>
      <Strip />
      <nav class="notes" aria-label={t('nav.movements')}>
        {notes.map(([type, key, icon]) => <a class="button field" key={type} href={`#/movements/${type}`}><Icon name={icon} />{t(key)}</a>)}
      </nav>
      <section class="card">
        <h2>{t('home.today')}</h2>
        <Show from={mine} rows={1}>
          {(rows) => rows.length ? <Movements rows={rows} /> : <p class="muted">{t('home.today.empty')}</p>}
        </Show>
      </section>
    </>
  );
}

function OfficeHome({me}: {me: ScreenProps['me']}): JSX.Element {
  const board = useLoad(() => get<Dashboard>('analytics/dashboard'), []);
  const year = useLoad(() => {
    const to = new Date();
    const from = new Date(to.getTime() - 365 * 86400000);
    const d = (x: Date) => x.toISOString().slice(0, 10);
    return get<Trend[]>(`analytics/trends?date_from=${d(from)}&date_to=${d(to)}&granularity=monthly`);
  }, []);
  return (
    <>
      <h1>{t('home.hello', {name: me.first_name ?? ''})}</h1>
      <Show from={board} rows={3}>
        {(b) => (
          <>
            <div class="grid figures">
              <Figure name={t('home.plants')} value={number(b.total_plants)} note={t('common.pots', {n: b.total_pots})} href="#/map" />
              {b.stock_value !== null && <Figure name={t('home.value')} value={money(b.stock_value, true)} href="#/prices" />}
              <Figure name={t('home.sellable')} value={b.sellable_share_pct === null ? '–' : percent(b.sellable_share_pct / 100)} href="#/stock" />
              <Figure name={t('home.deaths30')} value={number(b.deaths_30_days)}
                {...(b.total_plants > 0 ? {note: percent(b.deaths_30_days / b.total_plants, 2)} : {})} />
            </div>
            {year.data && year.data.length > 1 && (
              <section class="card">
                <h2>{t('home.plants')}</h2>
                <Sparkline values={year.data.map((p) => p.total_plants)} label={t('home.plants')} />
              </section>
            )}
            <div class="grid">
              <Figure name={t('home.uncounted')} value={number(b.uncounted_35_days)} href="#/map?colour=days" />
              <Figure name={t('home.held')} value={number(b.held_counts)} href="#/gallery?filter=warnings" />
              <Figure name={t('home.warnings')} value={number(b.open_warnings)} href="#/gallery?filter=warnings" />
              <Figure name={t('home.photos7')} value={number(b.photos_last_7_days)} href="#/gallery" />
            </div>
            <section class="card">
              <h2>{t('home.changes')}</h2>
              {b.recent_movements.length ? <Movements rows={b.recent_movements} /> : <Empty text={t('common.none')} />}
            </section>
          </>
        )}
      </Show>
    </>
  );
}
