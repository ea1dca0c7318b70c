// SPDX-License-Identifier: Apache-2.0
// One month from opening to closing: as steps, as a table of lines, with what was not counted.
import type {JSX} from 'preact';
import {get} from '../api';
import {named, number, signed, t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import {Downloads} from '../office/download';
import {query} from '../office/lists';
import {Filters} from '../office/resource';
import {Table, type Column} from '../office/table';
import {Empty, Figure, Show, useLoad} from '../ui/parts';
import '../i18n/office';

interface Sums {
  plantado: number; trasplante_in: number; trasplante_out: number; muerte: number; ajuste: number; ventas_logged: number; ventas_calculated: number;
  losses: number; surplus: number;
}
interface Line {
  product_id: number; product_sku: string; product_name: string; packaging_catalog_id: number | null; packaging_sku: string | null;
  opening_count: number; counted: number; closing_count: number; movements_summary: Sums;
}
interface Report {
  opening_count: number | null; closing_count: number | null; movements_summary: Sums; flags: Record<string, number>;
  uncounted_locations: {id: number; code: string; last_counted_at: string | null}[]; lines: Line[];
}

/** The month's steps with their sign, in the order they are told. counted: opening counts of new claros. */
const steps: [keyof Sums, Key, number][] = [['plantado', 'claro.planted', 1], ['trasplante_in', 'month.in', 1], ['trasplante_out', 'month.out', -1],
  ['muerte', 'claro.deaths', -1], ['ventas_logged', 'month.logged', -1], ['ventas_calculated', 'month.calculated', -1],
  ['losses', 'recon.loss', -1], ['surplus', 'recon.surplus', 1], ['ajuste', 'month.adjust', 1]];

const left = (open: number, s: Sums): number => steps.reduce((sum, [name, , sign]) => sum + sign * s[name], open);

function Waterfall({report}: {report: Report}): JSX.Element {
  const open = report.opening_count ?? 0;
  const counted = report.lines.reduce((n, l) => n + l.counted, 0);
  const parts: {key: Key; delta: number}[] = [...(counted ? [{key: 'month.counted' as Key, delta: counted}] : []),
    ...steps.map(([name, key, sign]) => ({key, delta: sign * report.movements_summary[name]})).filter((p) => p.delta !== 0)];
  let at = open;
  const bars = parts.map((p) => {
    const from = at;
    at += p.delta;
    return {...p, low: Math.min(from, at), high: Math.max(from, at)};
  });
  const all = [{key: 'claro.opening' as Key, delta: open, low: 0, high: open, sum: true}, ...bars.map((b) => ({...b, sum: false})),
    {key: 'claro.closing' as Key, delta: report.closing_count ?? at, low: 0, high: report.closing_count ?? at, sum: true}];
  const top = Math.max(...all.map((b) => b.high), 1);
  // The sums would hide the steps: the axis begins a little below the lowest of them.
  const floor = Math.max(0, Math.min(...all.map((b) => (b.sum ? b.high : b.low))) - (top - Math.min(...all.map((b) => (b.sum ? b.high : b.low)))) * 0.35);
  const part = (n: number) => ((Math.max(n, floor) - floor) / (top - floor || 1)) * 100;
  return (
    <ul class="waterfall" aria-label={t('month.steps')}>
      {all.map((b) => (
        <li key={b.key}>
          <span>{t(b.key)}</span>
          <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
            <rect x={part(b.low)} width={Math.max(0.6, part(b.high) - part(b.low))} y="0" height="10" class={b.sum ? 'sum' : b.delta < 0 ? 'down' : 'up'} />
          </svg>
          <strong class="num">{b.sum ? number(b.delta) : signed(b.delta)}</strong>
        </li>
      ))}
    </ul>
  );
}

const columns: Column<Line>[] = [
  {key: 'stock.product', of: 'product_name'}, {key: 'prices.pot', of: 'packaging_sku'}, {key: 'claro.opening', of: 'opening_count', kind: 'number'},
  ...steps.map(([name, key, sign]): Column<Line> => ({key, of: (l) => sign * l.movements_summary[name] || null, kind: 'signed', desk: name === 'ajuste' || name === 'surplus'})),
  {key: 'claro.closing', of: 'closing_count', kind: 'number'}];

export default function Month({place, me}: ScreenProps): JSX.Element {
  const now = new Date();
  const before = new Date(now.getFullYear(), now.getMonth() - 1, 15);
  const chosen = place.query.get('month') ?? `${before.getFullYear()}-${String(before.getMonth() + 1).padStart(2, '0')}`;
  const [year, month] = chosen.split('-').map(Number);
  const asked = query({year, month, warehouse_id: place.query.get('warehouse_id')});
  const report = useLoad(() => get<Report>(`stock/reconciliation${asked}`), [asked]);
  return (
    <>
      <div class="row between wrap">
        <h1>{t('month.title')}</h1>
        <Downloads path={`stock/reconciliation/export.{}${asked}`} name={`month-${chosen}`} formats={['pdf', 'xlsx', 'csv']} />
      </div>
      <Filters place={place} defaults={{month: chosen}} fields={[{name: 'month', key: 'nav.month', kind: 'month', need: true}, {name: 'warehouse_id', key: 'field.nave', kind: 'list', list: 'naves'}]} />
      <Show from={report} rows={3}>
        {(r) => {
          if (r.lines.length === 0) return <Empty text={t('month.empty')} />;
          const counted = r.lines.reduce((n, l) => n + l.counted, 0);
          const gap = (r.closing_count ?? 0) - left((r.opening_count ?? 0) + counted, r.movements_summary);
          const bad = r.lines.filter((l) => left(l.opening_count + l.counted, l.movements_summary) !== l.closing_count);
          const s = r.movements_summary;
          return (
            <>
              {(gap !== 0 || bad.length > 0) && (
                <p class="notice bad" role="alert"><strong>{t('month.broken', {n: gap, lines: bad.map((l) => l.product_name).join(', ')})}</strong></p>
              )}
              <div class="grid figures">
                <Figure name={t('claro.closing')} value={number(r.closing_count ?? 0)} note={signed((r.closing_count ?? 0) - (r.opening_count ?? 0))} />
                <Figure name={t('claro.sold')} value={number(s.ventas_logged + s.ventas_calculated)} note={t('month.calc', {n: s.ventas_calculated})} />
                <Figure name={t('claro.deaths')} value={number(s.muerte)} />
                <Figure name={t('recon.loss')} value={number(s.losses)} />
              </div>
              <div class="columns">
                <section class="card"><h2>{t('month.steps')}</h2><Waterfall report={r} /></section>
                <section class="card">
                  <h2>{t('month.look')}</h2>
                  {Object.keys(r.flags).length > 0 && (
                    <ul class="list">{Object.entries(r.flags).map(([flag, n]) => (
                      <li key={flag}>{me.role === 'viewer' ? <div class="line"><span>{named('flag', flag)}</span><strong class="num">{number(n)}</strong></div>
                        : <a href={`#/closings?month=${chosen}&flag=${flag}`}><span>{named('flag', flag)}</span><strong class="num">{number(n)}</strong></a>}</li>
                    ))}</ul>
                  )}
                  <h3>{t('month.uncounted', {n: r.uncounted_locations.length})}</h3>
                  {r.uncounted_locations.length === 0 ? <p class="muted">{t('month.allcounted')}</p> : (
                    <p class="row wrap tight">{r.uncounted_locations.slice(0, 60).map((c) => <a key={c.id} class="badge plain" href={`#/claro/${c.id}`}>{c.code}</a>)}
                      {r.uncounted_locations.length > 60 && <span class="muted">+{number(r.uncounted_locations.length - 60)}</span>}</p>
                  )}
                </section>
              </div>
              <h2>{t('month.lines')}</h2>
              <Table rows={r.lines} columns={columns} id={(l) => `${l.product_id}-${l.packaging_catalog_id}`} caption={t('month.lines')} />
            </>
          );
        }}
      </Show>
    </>
  );
}
