// SPDX-License-Identifier: Apache-2.0
// Twelve reports: filters and up to three groupings in the address, a plot, the totals over the whole
// filter, the table, and all of it as a file.
import type {JSX} from 'preact';
import {useMemo, useState} from 'preact/hooks';
import {get, send} from '../api';
import {named, number, t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import {download, handOver} from '../office/download';
import type {Field} from '../office/fields';
import {query} from '../office/lists';
import {Plot, type PlotData} from '../office/plot';
import {Filters} from '../office/resource';
import {Table, type Cell, type Column} from '../office/table';
import {Tabs} from '../office/tabs';
import {setQuery, type Place} from '../router';
import {say} from '../store';
import {Empty, Figure, Show, useLoad} from '../ui/parts';
import '../i18n/office';

type Row = Record<string, unknown>;
interface Measure {
  name: string;
  key: Key;
  kind: Cell;
  digits?: number;
  plot?: boolean;
}
interface Answer {
  rows: Row[];
  dimensions: Column<Row>[];
  measures: Measure[];
  totals: Row | null;
  time: boolean;
  label: (row: Row) => string;
  body?: Row; // of the query, for the file over the whole filter
}
interface Report {
  key: Key;
  filters: Field[];
  groups?: string[];
  start?: Record<string, string>; // of the filters, when nothing is chosen
  money?: boolean;
  ask: (values: Record<string, string>, groups: string[]) => Promise<Answer>;
}

const nave: Field = {name: 'warehouse_id', key: 'field.nave', kind: 'list', list: 'naves'};
const cantero: Field = {name: 'storage_area_id', key: 'field.cantero', kind: 'list', list: 'canteros'};
const claro: Field = {name: 'storage_location_id', key: 'field.claro', kind: 'list', list: 'claros'};
const category: Field = {name: 'product_category_id', key: 'field.category', kind: 'list', list: 'categories'};
const family: Field = {name: 'product_family_id', key: 'field.family', kind: 'list', list: 'families'};
const product: Field = {name: 'product_id', key: 'stock.product', kind: 'list', list: 'products'};
const state: Field = {name: 'product_state_id', key: 'stock.state', kind: 'list', list: 'states'};
const size: Field = {name: 'product_size_id', key: 'field.size', kind: 'list', list: 'sizes'};
const pot: Field = {name: 'packaging_catalog_id', key: 'prices.pot', kind: 'list', list: 'packaging'};
const from: Field = {name: 'date_from', key: 'field.from', kind: 'day'};
const to: Field = {name: 'date_to', key: 'field.to', kind: 'day'};
const all: Field[] = [nave, cantero, claro, category, family, product, state, size, pot];
const places = ['warehouse', 'area', 'location', 'category', 'family', 'product', 'size', 'state', 'packaging'];
const times = ['day', 'week', 'month'];

const iso = (d: Date): string => new Date(d.getTime() - d.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
const daysAgo = (n: number): string => iso(new Date(Date.now() - n * 86400000));
const monthOf = (back: number): [string, string] => {
  const now = new Date();
  return [iso(new Date(now.getFullYear(), now.getMonth() - back, 1)), iso(new Date(now.getFullYear(), now.getMonth() - back + 1, 0))];
};
const recent = {date_from: daysAgo(90), date_to: daysAgo(0)};

const count = (name: string, key: Key, plot = false): Measure => ({name, key, kind: 'number', plot});
const measures: Record<string, Measure[]> = {
  current_stock: [count('total_quantity', 'stock.quantity', true), count('pots', 'an.pots'), count('sellable_quantity', 'an.sellable'), count('batch_count', 'stock.status')],
  stock_movements: [count('quantity_in', 'an.in', true), count('quantity_out', 'an.out', true), {name: 'net', key: 'an.net', kind: 'signed'}, count('movement_count', 'nav.movements')],
  mortality: [{name: 'mortality_rate_pct', key: 'an.rate', kind: 'percent', digits: 2, plot: true}, count('deaths', 'claro.deaths'), count('base_count', 'an.base')],
  occupancy: [{name: 'occupancy_pct', key: 'an.occupancy', kind: 'percent', digits: 1, plot: true}, count('current', 'stock.quantity'), count('capacity', 'field.capacity')],
  value: [{name: 'wholesale_value', key: 'an.wholesale', kind: 'money', plot: true}, {name: 'retail_value', key: 'an.retail', kind: 'money'}, count('total_quantity', 'stock.quantity')],
};

/** The general query: any filter, any grouping. */
function manual(type: string) {
  return async (values: Record<string, string>, groups: string[]): Promise<Answer> => {
    const ids = (name: string) => (values[name] ? [Number(values[name])] : undefined);
    const body: Row = {
      analysis_type: type, group_by: groups, warehouse_ids: ids('warehouse_id'), storage_area_ids: ids('storage_area_id'), storage_location_ids: ids('storage_location_id'),
      product_category_ids: ids('product_category_id'), product_family_ids: ids('product_family_id'), product_ids: ids('product_id'), product_state_ids: ids('product_state_id'),
      product_size_ids: ids('product_size_id'), packaging_catalog_ids: ids('packaging_catalog_id'), date_from: values.date_from || undefined, date_to: values.date_to || undefined,
    };
    const reply = await send<{data: Row[]; metadata: {totals: Row}}>('POST', 'analytics/manual-query', body);
    const time = groups.length === 1 && times.includes(groups[0] as string);
    const nameOf = (g: string) => (row: Row) => row[`${g}_name`] ?? row[g] ?? row[`${g}_id`] ?? t('form.none');
    return {
      rows: reply.data, totals: reply.metadata.totals, measures: measures[type] as Measure[], time, body,
      dimensions: groups.map((g): Column<Row> => ({key: `group.${g}` as Key, of: nameOf(g)})),
      label: (row) => groups.map((g) => String(nameOf(g)(row))).join(' · '),
    };
  };
}

async function listed(path: string, dimension: Key, name: string, shown: Measure[], time = false): Promise<Answer> {
  const rows = await everyRowOf(path);
  return {rows, dimensions: [{key: dimension, of: name, ...(time ? {kind: 'day'} : {})}], measures: shown, totals: null, time, label: (r) => String(r[name])};
}
const everyRowOf = (path: string): Promise<Row[]> => get<Row[]>(path);

const reports: Record<string, Report> = {
  stock: {key: 'an.stock', filters: all, groups: places, ask: manual('current_stock')},
  asof: {key: 'an.asof', filters: [{...to, key: 'an.day', need: true}, ...all], groups: places, start: {date_to: monthOf(1)[1]}, ask: manual('current_stock')},
  movements: {key: 'nav.movements', filters: [from, to, ...all], groups: [...places, ...times], start: recent, ask: manual('stock_movements')},
  daily: {key: 'an.daily', filters: [from, to, nave, claro, product], start: recent, ask: (v) => listed(`analytics/daily-counts${query({start_date: v.date_from, end_date: v.date_to, warehouse_id: v.warehouse_id, location_id: v.storage_location_id, product_id: v.product_id})}`,
    'group.day', 'date', [count('total_plants', 'stock.quantity', true), count('movements_in', 'an.in'), count('movements_out', 'an.out'), {name: 'net_change', key: 'an.net', kind: 'signed'}], true)},
  mortality: {key: 'an.mortality', filters: [from, to, ...all], groups: places, start: recent, ask: manual('mortality')},
  occupancy: {key: 'an.occupancy', filters: all, groups: places.slice(0, 3), ask: manual('occupancy')},
  density: {key: 'nav.density', filters: [nave, product], ask: async (v) => {
    const answer = await listed(`analytics/warehouses/utilization${query({warehouse_id: v.warehouse_id, product_id: v.product_id})}`, 'field.nave', 'name',
      [{name: 'density', key: 'an.density', kind: 'number', digits: 1, plot: true}, count('total_plants', 'stock.quantity'), {name: 'used_area_m2', key: 'field.area', kind: 'number', digits: 1}, {name: 'utilization_pct', key: 'an.used', kind: 'percent'}]);
    return {...answer, rows: answer.rows.map((r) => ({...r, density: Number(r.used_area_m2) > 0 ? Number(r.total_plants) / Number(r.used_area_m2) : null}))};
  }},
  value: {key: 'an.value', filters: all, groups: places, money: true, ask: manual('value')},
  empties: {key: 'an.empties', filters: [{name: 'min_pct', key: 'an.minempty', kind: 'whole', min: 0, max: 100}, nave, product], start: {min_pct: '20'}, ask: async (v) => {
    const answer = await listed(`analytics/empty-containers${query({min_ratio: Number(v.min_pct) / 100, warehouse_id: v.warehouse_id, product_id: v.product_id})}`, 'field.claro', 'code',
      [{name: 'pct', key: 'an.emptyratio', kind: 'percent', plot: true}, count('empty', 'stock.empties'), count('total', 'an.pots')]);
    return {...answer, rows: answer.rows.map((r) => ({...r, pct: Number(r.ratio) * 100}))};
  }},
  comparison: {key: 'an.comparison', filters: [{...from, key: 'an.from1'}, {...to, key: 'an.to1'}, {name: 'from2', key: 'an.from2', kind: 'day'}, {name: 'to2', key: 'an.to2', kind: 'day'}], groups: places,
    start: {date_from: monthOf(2)[0], date_to: monthOf(2)[1], from2: monthOf(1)[0], to2: monthOf(1)[1]}, ask: async (v, groups) => {
      const group = groups[0] ?? 'category';
      const reply = await send<{groups: Row[]; period1: Row; period2: Row; absolute_change: number; growth_pct: number | null}>('POST', 'analytics/compare',
        {period1_start: v.date_from, period1_end: v.date_to, period2_start: v.from2, period2_end: v.to2, group_by: group});
      return {rows: reply.groups, dimensions: [{key: `group.${group}` as Key, of: `${group}_name`}], time: false, label: (r) => String(r[`${group}_name`] ?? ''),
        measures: [count('value_a', 'an.before', true), count('value_b', 'an.after', true), {name: 'difference', key: 'recon.difference', kind: 'signed'}, {name: 'growth_pct', key: 'an.growth', kind: 'percent'}],
        totals: {value_a: reply.period1.total_plants, value_b: reply.period2.total_plants, difference: reply.absolute_change, growth_pct: reply.growth_pct}};
    }},
  sales: {key: 'an.sales', filters: [from, to], start: recent, ask: async (v) => {
    const reply = await send<{items: Row[]; summary: Row}>('POST', 'analytics/sales-comparison', {date_from: v.date_from, date_to: v.date_to});
    const rows = reply.items.filter((r) => !r.metric).map((r) => ({...r, left: Number(r.current_stock) > 0 ? (Number(r.total_sales) / (Number(r.current_stock) + Number(r.total_sales))) * 100 : null}))
      .sort((a, b) => Number((b as Row).total_sales) - Number((a as Row).total_sales));
    return {rows, dimensions: [{key: 'stock.product', of: 'product_name'}, {key: 'prices.pot', of: 'packaging_name'}], time: false, label: (r) => [r.product_name, r.packaging_name].filter(Boolean).join(' · '),
      measures: [count('total_sales', 'claro.sold', true), count('current_stock', 'stock.quantity', true), {name: 'left', key: 'an.soldshare', kind: 'percent'}], totals: {total_sales: reply.summary.sales, current_stock: reply.summary.stock}};
  }},
  month: {key: 'month.title', filters: [nave], ask: async (v) => {
    const months = Array.from({length: 12}, (_, i) => new Date(new Date().getFullYear(), new Date().getMonth() - 12 + i, 15));
    const rows = await Promise.all(months.map(async (m) => {
      const r = await get<{opening_count: number | null; closing_count: number | null; movements_summary: Row}>(`stock/reconciliation${query({year: m.getFullYear(), month: m.getMonth() + 1, warehouse_id: v.warehouse_id})}`);
      const s = r.movements_summary;
      return {month: iso(m).slice(0, 7), opening: r.opening_count, planted: s.plantado, deaths: s.muerte, sales: Number(s.ventas_logged) + Number(s.ventas_calculated), losses: s.losses, closing: r.closing_count};
    }));
    return {rows, dimensions: [{key: 'nav.month', of: 'month', show: (r) => <a href={`#/month?month=${String(r.month)}`}>{String(r.month)}</a>}], time: false, label: (r) => String(r.month), totals: null,
      measures: [count('opening', 'claro.opening'), count('planted', 'claro.planted', true), count('sales', 'claro.sold', true), count('deaths', 'claro.deaths'), count('losses', 'recon.loss'), count('closing', 'claro.closing')]};
  }},
};
const BARS = matchMedia('(max-width: 719px)').matches ? 10 : 24;

function plotOf(name: string, answer: Answer): PlotData | null {
  const drawn = answer.measures.filter((m) => m.plot).slice(0, 2);
  const first = drawn[0];
  if (!first || answer.rows.length === 0) return null;
  const rows = answer.time ? [...answer.rows].sort((a, b) => answer.label(a).localeCompare(answer.label(b)))
    : name === 'month' ? answer.rows : [...answer.rows].sort((a, b) => Number(b[first.name]) - Number(a[first.name])).slice(0, BARS);
  const scale = (m: Measure) => (m.kind === 'money' ? 0.01 : 1);
  const dated = answer.time && rows.every((r) => /^\d{4}-\d\d-\d\d$/.test(answer.label(r)));
  return {name: `demeter-${name}`, x: rows.map(answer.label), time: dated, digits: first.digits ?? 0,
    series: drawn.map((m) => ({label: t(m.key), values: rows.map((r) => (r[m.name] === null || r[m.name] === undefined ? null : Number(r[m.name]) * scale(m)))}))};
}

function csvOf(answer: Answer): string {
  const cell = (v: unknown) => (v === null || v === undefined ? '' : /[",\n]/.test(String(v)) ? `"${String(v).replace(/"/g, '""')}"` : String(v));
  return [[...answer.dimensions.map((d) => t(d.key)), ...answer.measures.map((m) => t(m.key))],
    ...answer.rows.map((r) => [...answer.dimensions.map((d) => (typeof d.of === 'function' ? d.of(r) : r[d.of])), ...answer.measures.map((m) => r[m.name])])]
    .map((row) => row.map(cell).join(',')).join('\r\n');
}

function Files({name, answer}: {name: string; answer: Answer}): JSX.Element {
  const [busy, setBusy] = useState(false);
  const save = async (format: string) => {
    setBusy(true);
    if (answer.body) await download('analytics/export', `${name}.${format}`, {method: 'POST', body: JSON.stringify({format, query: answer.body})});
    else {

      handOver(new Blob(['\ufeff', csvOf(answer)], {type: 'text/csv'}), `demeter-${name}.csv`);
    }
    setBusy(false);
  };
  return (
    <div class="row downloads" role="group" aria-label={t('office.download')}>
      {(answer.body ? ['csv', 'xlsx'] : ['csv']).map((f) => <button key={f} class="small" disabled={busy} onClick={() => void save(f)}>{f.toUpperCase()}</button>)}
      <button class="small" onClick={() => void navigator.clipboard.writeText(location.href).then(() => say(t('common.copied')))}>{t('an.share')}</button>
    </div>
  );
}

function Groups({report, groups}: {report: Report; groups: string[]}): JSX.Element | null {
  if (!report.groups) return null;
  const most = report.key === 'an.comparison' ? 1 : 3;
  const set = (i: number, value: string) => {
    const next = groups.slice(0, i);
    if (value) next.push(value, ...groups.slice(i + 1).filter((g) => g !== value));
    setQuery({group: next.slice(0, most).join() || null});
  };
  return (
    <div class="row wrap groups" role="group" aria-label={t('an.groupby')}>
      {Array.from({length: Math.min(most, groups.length + 1)}, (_, i) => (
        <select key={i} aria-label={t('an.group.n', {n: i + 1})} value={groups[i] ?? ''} onChange={(e) => set(i, e.currentTarget.value)}>
          {i > 0 && <option value="">{t('an.nogroup')}</option>}
          {report.groups?.filter((g) => groups[i] === g || !groups.includes(g)).map((g) => <option key={g} value={g}>{named('group', g)}</option>)}
        </select>
      ))}
    </div>
  );
}

function ReportView({name, report, place}: {name: string; report: Report; place: Place}): JSX.Element {
  const values = Object.fromEntries(report.filters.map((f) => [f.name, place.query.get(f.name) ?? report.start?.[f.name] ?? '']));
  const groups = report.groups ? (place.query.get('group')?.split(',') ?? [report.groups.includes('category') ? 'category' : report.groups[0] as string]).filter((g) => report.groups?.includes(g)) : [];
  const id = JSON.stringify([name, values, groups]);
  const answer = useLoad(() => report.ask(values as Record<string, string>, groups), [id]);
  const plot = useMemo(() => (answer.data ? plotOf(name, answer.data) : null), [answer.data]);
  return (
    <>
      <Filters place={place} fields={report.filters} defaults={report.start ?? {}} />
      <Groups report={report} groups={groups} />
      <Show from={answer} rows={2}>
        {(a) => a.rows.length === 0 ? <Empty text={t('an.empty')} /> : (
          <>
            {a.totals && (
              <div class="grid figures">{a.measures.filter((m) => a.totals?.[m.name] !== undefined && a.totals[m.name] !== null).map((m) => (
                <Figure key={m.name} name={t(m.key)} value={formatted(m, a.totals?.[m.name])} />
              ))}</div>
            )}
            {plot && <section class="card"><Plot data={plot} /></section>}
            <div class="row between wrap"><span class="muted">{t('an.rows', {n: a.rows.length})}</span><Files name={name} answer={a} /></div>
            <Table rows={a.rows.slice(0, 500).map((r, i) => ({...r, '#': i}))} id={(r) => (r as Row)['#'] as number} caption={t(report.key)}
              columns={[...a.dimensions, ...a.measures.map((m): Column<Row> => ({key: m.key, of: m.name, kind: m.kind, ...(m.digits === undefined ? {} : {digits: m.digits})}))]} />
          </>
        )}
      </Show>
    </>
  );
}

function formatted(m: Measure, value: unknown): string {
  const n = Number(value);
  if (m.kind === 'money') return `$ ${number(n / 1e8, 1)} M`;
  return m.kind === 'percent' ? `${number(n, m.digits ?? 1)} %` : number(n, m.digits ?? 0);
}

export default function Analytics({place, me}: ScreenProps): JSX.Element {
  const mine = Object.entries(reports).filter(([name, r]) => me.role !== 'worker' || (!r.money && name !== 'month'));
  const name = mine.some(([n]) => n === place.path[1]) ? place.path[1] as string : 'stock';
  return (
    <>
      <h1>{t('nav.analytics')}</h1>
      <Tabs base="analytics" tabs={mine.map(([n, r]) => [n, r.key])} now={name} />
      <ReportView key={name} name={name} report={reports[name] as Report} place={place} />
    </>
  );
}

