// SPDX-License-Identifier: Apache-2.0
// The list as the nursery prints it, kept entry by entry, or many at once after a look at every row.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {ApiError, get, send} from '../api';
import {dayTime, money, named, number, signed, t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import type {Field, Values} from '../office/fields';
import {Form} from '../office/form';
import {ResourceScreen, type Resource} from '../office/resource';
import {Table, type Column} from '../office/table';
import {say} from '../store';
import {ErrorCard, Figure, Show, useLoad} from '../ui/parts';
import '../i18n/office';

interface Price {
  id: number; SKU: string | null; wholesale_unit_price: number; net_wholesale_price: number; retail_unit_price: number | null;
  wholesale_total_price_per_box: number | null; unit_per_storage_box: number | null; discount_factor: number | null; availability: string | null;
  variant: string; packaging: {name: string; diameter_cm: number | null}; category: {name: string}; updated_at: string | null;
}
const availabilities: [string, Key][] = ['available', 'limited', 'until_sold_out', 'out_of_stock', 'discontinued'].map((a) => [a, `availability.${a}` as Key]);
const category: Field = {name: 'category_id', key: 'field.category', kind: 'list', list: 'categories', any: true};
const pot: Field = {name: 'packaging_id', key: 'prices.pot', kind: 'list', list: 'packaging', any: true};

function History({id}: {id: number}): JSX.Element {
  const found = useLoad(() => get<{changed_at: string; field: string; old: unknown; new: unknown}[]>(`prices/${id}/history?limit=50`), [id]);
  const text = (field: string, v: unknown) => (v === null ? '–' : field.endsWith('price') ? money(Number(v)) : String(v));
  return (
    <Show from={found} rows={1}>
      {(rows) => rows.length === 0 ? <p class="muted">{t('prices.nohistory')}</p> : (
        <details><summary>{t('prices.history', {n: rows.length})}</summary>
          <ul class="list">{rows.map((r, i) => (
            <li key={i}><div class="line"><span>{named('pricefield', r.field)}</span><strong class="num">{text(r.field, r.old)} → {text(r.field, r.new)}</strong><span class="muted">{dayTime(r.changed_at)}</span></div></li>
          ))}</ul>
        </details>
      )}
    </Show>
  );
}

const spec: Resource<Price> = {
  name: 'prices', title: 'nav.prices', one: 'prices.new', path: 'prices', id: 'id', paged: true, search: true,
  filters: [category, pot, {name: 'availability', key: 'prices.availability', kind: 'choice', choices: availabilities}],
  columns: [
    {key: 'prices.code', of: 'SKU', solid: true}, {key: 'field.category', of: (p) => `${p.category.name}${p.variant ? ` · ${p.variant}` : ''}`}, {key: 'prices.pot', of: (p) => p.packaging.name},
    {key: 'prices.unit', of: 'net_wholesale_price', kind: 'money'}, {key: 'prices.perbox', of: 'unit_per_storage_box', kind: 'number'}, {key: 'prices.box', of: 'wholesale_total_price_per_box', kind: 'money'},
    {key: 'prices.availability', of: 'availability', kind: 'named', group: 'availability', tone: (p) => (p.availability === 'available' ? 'good' : p.availability === 'limited' || p.availability === 'until_sold_out' ? 'warn' : 'bad')},
    {key: 'prices.offer', of: (p) => (p.discount_factor ? `−${number(p.discount_factor)} %` : ''), tone: () => 'warn'}],
  fields: [
    {name: 'product_categories_id', key: 'field.category', kind: 'list', list: 'categories', need: true, once: true},
    {name: 'packaging_catalog_id', key: 'prices.pot', kind: 'list', list: 'packaging', need: true, once: true},
    {name: 'variant', key: 'prices.variant', kind: 'text', max: 100, help: 'prices.variant.help'},
    {name: 'wholesale_unit_price', key: 'prices.wholesale', kind: 'money', need: true, min: 0.01}, {name: 'retail_unit_price', key: 'prices.retail', kind: 'money', help: 'prices.retail.help'},
    {name: 'unit_per_storage_box', key: 'prices.perbox', kind: 'whole', min: 1, max: 100000}, {name: 'SKU', key: 'prices.code', kind: 'text', min: 1, max: 50, help: 'field.sku.default'},
    {name: 'availability', key: 'prices.availability', kind: 'choice', choices: availabilities, need: true}, {name: 'discount_factor', key: 'prices.discount', kind: 'whole', min: 0, max: 100},
    {name: 'observations', key: 'move.notes', kind: 'text', max: 255}],
  defaults: {availability: 'available'}, remove: 'prices.discontinue', exports: 'prices/export.{}', empty: 'prices.empty', detail: (p) => <History id={p.id} />,
};

interface Preview {
  affected_count: number;
  items: {id: number; SKU: string; packaging: string; category: string; current_wholesale: number; new_wholesale: number; current_total_per_box: number | null;
    new_total_per_box: number | null; price_change_amount: number; current_availability?: string; new_availability?: string; current_discount?: number; new_discount?: number}[];
  summary: {avg_price_increase: number};
  confirmation_token: string;
}
type Item = Preview['items'][number];
type Operation = 'prices' | 'availability' | 'discount';
const is = (...operations: Operation[]) => (v: Values) => operations.includes(v.operation as Operation);
const bulkFields: Field[] = [
  {name: 'operation', key: 'bulk.operation', kind: 'choice', need: true, choices: [['prices', 'bulk.prices'], ['availability', 'bulk.availability'], ['discount', 'bulk.discount']]},
  category, pot, {name: 'packaging_type_id', key: 'field.type', kind: 'list', list: 'types', any: true},
  {name: 'availability', key: 'bulk.current', kind: 'choice', choices: availabilities, any: true},
  {name: 'min_price', key: 'bulk.min', kind: 'money', min: 0, any: true}, {name: 'max_price', key: 'bulk.max', kind: 'money', min: 0, any: true},
  {name: 'percentage_change', key: 'bulk.percent', kind: 'number', need: true, min: -99.99, max: 100, when: is('prices')},
  {name: 'round_to', key: 'bulk.round', kind: 'choice', need: true, when: is('prices'), choices: [['1', 'bulk.round.1'], ['100', 'bulk.round.100'], ['1000', 'bulk.round.1000'], ['5000', 'bulk.round.5000'], ['10000', 'bulk.round.10000']]},
  {name: 'new_availability', key: 'prices.availability', kind: 'choice', choices: availabilities, need: true, when: is('availability')},
  {name: 'discount_factor', key: 'prices.discount', kind: 'whole', need: true, min: 0, max: 100, when: is('discount')}];

function columnsOf(operation: Operation, changed: Set<number>): Column<Item>[] {
  const start: Column<Item>[] = [{key: 'prices.code', of: 'SKU', solid: true, tone: (i) => (changed.has(i.id) ? 'bad' : null)}, {key: 'field.category', of: 'category'}, {key: 'prices.pot', of: 'packaging'}];
  if (operation === 'availability')
    return [...start, {key: 'bulk.before', of: 'current_availability', kind: 'named', group: 'availability'}, {key: 'bulk.after', of: 'new_availability', kind: 'named', group: 'availability'}];
  if (operation === 'discount')
    return [...start, {key: 'bulk.before', of: (i) => i.current_discount, kind: 'percent'}, {key: 'bulk.after', of: (i) => i.new_discount, kind: 'percent'}];
  return [...start, {key: 'bulk.before', of: 'current_wholesale', kind: 'money'}, {key: 'bulk.after', of: 'new_wholesale', kind: 'money'},
    {key: 'bulk.change', of: (i) => i.price_change_amount / 100, show: (i) => signed(i.price_change_amount / 100)}, {key: 'bulk.boxafter', of: 'new_total_per_box', kind: 'money', desk: true}];
}

function Bulk(): JSX.Element {
  const [asked, setAsked] = useState<{operation: Operation; body: Values} | null>(null);
  const [preview, setPreview] = useState<Preview | null>(null);
  const [changed, setChanged] = useState(new Set<number>());
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const look = async (operation: Operation, body: Values) => {
    const next = await send<Preview>('POST', `prices/bulk-update-${operation}/preview`, body);
    if (preview) setChanged(new Set(next.items.filter((i) => preview.items.find((o) => o.id === i.id)?.current_wholesale !== i.current_wholesale).map((i) => i.id)));
    setAsked({operation, body});
    setPreview(next);
    setError(null);
  };
  const apply = async () => {
    if (!asked || !preview) return;
    setBusy(true);
    try {
      const done = await send<{affected_count: number}>('POST', `prices/bulk-update-${asked.operation}`, {...asked.body, confirmation_token: preview.confirmation_token, confirm: true});
      say(t('bulk.done', {n: done.affected_count}));
      setPreview(null);
      setChanged(new Set());
    } catch (refused) {
      setError(refused instanceof ApiError ? refused : new ApiError(-1, null));
    }
    setBusy(false);
  };
  return (
    <>
      <a href="#/prices">← {t('nav.prices')}</a>
      <h1>{t('bulk.title')}</h1>
      <section class="card bulk">
        <Form id="bulk" fields={bulkFields} initial={{operation: 'prices', round_to: '5000'}} label="bulk.look" keep={bulkFields.map((f) => f.name)}
          submit={async ({operation, round_to, availability, ...body}) => {
            setPreview(null);
            setChanged(new Set());
            const current = availability ? {[operation === 'availability' ? 'current_availability' : 'availability']: availability} : {};
            await look(operation as Operation, {...body, ...current, ...(round_to ? {round_to: Number(round_to)} : {})});
          }} />
      </section>
      {error && <ErrorCard error={error} />}
      {error?.problem?.rule === 'STALE_PREVIEW' && asked && <button class="primary" onClick={() => void look(asked.operation, asked.body).catch(setError)}>{t('bulk.again')}</button>}
      {preview && asked && (
        <>
          <div class="grid figures">
            <Figure name={t('bulk.rows')} value={number(preview.affected_count)} />
            {asked.operation === 'prices' && <Figure name={t('bulk.mean')} value={money(preview.summary.avg_price_increase)} />}
          </div>
          <div class="row"><button class="primary field" disabled={busy || error !== null} onClick={() => void apply()}>{t('bulk.apply', {n: preview.affected_count})}</button></div>
          <Table rows={preview.items} columns={columnsOf(asked.operation, changed)} id={(i) => i.id} caption={t('bulk.title')} />
        </>
      )}
    </>
  );
}

export default function Prices({place, me}: ScreenProps): JSX.Element {
  if (place.path[1] === 'bulk' && me.role === 'admin') return <Bulk />;
  return (
    <ResourceScreen spec={spec} place={place} write={me.role === 'admin'}>
      {me.role === 'admin' && <a class="button" href="#/prices/bulk">{t('bulk.title')}</a>}
    </ResourceScreen>
  );
}
