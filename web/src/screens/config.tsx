// SPDX-License-Identifier: Apache-2.0
// What each claro grows: chosen by rows or one by one, changed in one action, asked for any day.
import type {JSX} from 'preact';
import {useEffect, useMemo, useState} from 'preact/hooks';
import {get, send} from '../api';
import {day, named, number, t} from '../i18n';
import type {ScreenProps} from '../main';
import type {Field} from '../office/fields';
import {Form} from '../office/form';
import {everyRow, query, useNames} from '../office/lists';
import {Filters} from '../office/resource';
import {Sheet} from '../office/sheet';
import {Table, type Column} from '../office/table';
import {say} from '../store';
import {Empty, Show, useLoad} from '../ui/parts';
import '../i18n/office';

interface Config {
  id: number | null; storage_location_id: number; storage_location_code: string; product_id: number | null; packaging_catalog_id: number | null; expected_product_state_id: number | null;
  area_cm2: number | null; notes: string | null; plants_per_container: number | null; valid_from: string | null; valid_to: string | null;
}
type Badge = 'none' | 'stale' | 'new' | 'ok';
const DAY_MS = 86400000;
const badgeOf = (c: Config): Badge => {
  if (!c.product_id || !c.valid_from) return 'none';
  const age = (Date.now() - Date.parse(c.valid_from)) / DAY_MS;
  return age > 90 ? 'stale' : age < 7 ? 'new' : 'ok';
};
const tones = {none: 'bad', stale: 'warn', new: 'plain', ok: 'good'} as const;

/** NAVE01-N-C07: the row of claros it stands in, and its own part of the code. */
const parts = (code: string): [string, string] => [code.replace(/-[^-]+$/, ''), /[^-]+$/.exec(code)?.[0] ?? code];

async function allOf(filter: string): Promise<Config[]> {
  const all: Config[] = [];
  for (let n = 1; ; n++) {
    const part = await get<{items: Config[]; pagination: {total_pages: number}}>(`config/locations${filter}${filter ? '&' : '?'}per_page=100&page=${n}`);
    all.push(...part.items);
    if (n >= part.pagination.total_pages) return all;
  }
}

const filters: Field[] = [{name: 'warehouse_id', key: 'field.nave', kind: 'list', list: 'naves', need: true}, {name: 'product_id', key: 'stock.product', kind: 'list', list: 'products'},
  {name: 'missing', key: 'config.missing', kind: 'choice', choices: [['true', 'common.yes']]}];
const formFields: Field[] = [
  {name: 'mode', key: 'config.mode', kind: 'choice', choices: [['create', 'config.create'], ['update', 'config.update']], need: true},
  {name: 'product_id', key: 'stock.product', kind: 'list', list: 'products', need: true}, {name: 'packaging_catalog_id', key: 'prices.pot', kind: 'list', list: 'packaging'},
  {name: 'expected_product_state_id', key: 'stock.state', kind: 'list', list: 'states', need: true}, {name: 'area_cm2', key: 'config.area', kind: 'number', need: true, min: 1},
  {name: 'plants_per_container', key: 'config.percontainer', kind: 'whole', min: 1, max: 10000},
  {name: 'apply_to_stock', key: 'config.apply', kind: 'yes', help: 'config.apply.help', when: (v) => v.mode === 'update'},
  {name: 'notes', key: 'move.notes', kind: 'area', max: 2500}];
const historyColumns: Column<Config>[] = [
  {key: 'stock.product', of: 'product_id', kind: 'list', list: 'products'}, {key: 'prices.pot', of: 'packaging_catalog_id', kind: 'list', list: 'packaging'},
  {key: 'stock.state', of: 'expected_product_state_id', kind: 'list', list: 'states'}, {key: 'field.from', of: 'valid_from', kind: 'day'}, {key: 'field.to', of: 'valid_to', kind: 'day'}];

function One({config, onClose}: {config: Config; onClose: () => void}): JSX.Element {
  const id = config.storage_location_id;
  const names = useNames(['products', 'packaging', 'states']);
  const [at, setAt] = useState('');
  const history = useLoad(() => get<Config[]>(`config/locations/${id}/history?limit=100`), [id]);
  const then = useLoad(async () => (at ? get<{product_name: string; packaging_name: string | null; state_name: string}>(`config/locations/${id}${query({at: `${at}T12:00:00Z`})}`) : null), [id, at]);
  return (
    <Sheet title={config.storage_location_code} onClose={onClose} wide>
      <p class="row wrap"><a class="button" href={`#/claro/${id}`}>{t('places.open')}</a></p>
      <div class="input"><label for="config-at">{t('config.at')}</label><input id="config-at" type="date" value={at} onInput={(e) => setAt(e.currentTarget.value)} /></div>
      {at && <Show from={then} rows={1}>{(c) => (c ? <p class="notice good">{[c.product_name, c.packaging_name, c.state_name].filter(Boolean).join(' · ')}</p> : null)}</Show>}
      <h3>{t('claro.history')}</h3>
      <Show from={history} rows={1}>
        {(rows) => rows.length === 0 ? <p class="muted">{t('claro.noconfig')}</p> : <Table rows={rows} columns={historyColumns} id={(c) => c.id ?? 0} names={names} caption={t('claro.history')} />}
      </Show>
    </Sheet>
  );
}

export default function ConfigScreen({place}: ScreenProps): JSX.Element {
  const given = place.query.get('claros')?.split(',').map(Number) ?? [];
  const nave = place.query.get('warehouse_id');
  const asked = query({warehouse_id: nave, product_id: place.query.get('product_id'), missing: place.query.get('missing')});
  const list = useLoad(async () => (nave || place.query.get('product_id') || place.query.get('missing') || given.length ? allOf(asked) : null), [asked, given.join()]);
  const naves = useLoad(() => everyRow<{warehouse_id: number; name: string; code: string}>('locations/warehouses'), []);
  const names = useNames(['products', 'packaging', 'states']);
  const [chosen, setChosen] = useState(new Set<number>(given));
  const [open, setOpen] = useState<Config | null>(null);
  const [editing, setEditing] = useState(false);
  useEffect(() => setChosen(new Set(given)), [asked]);
  const shown = useMemo(() => (list.data ?? []).filter((c) => given.length === 0 || given.includes(c.storage_location_id)), [list.data]);
  const rows = useMemo(() => {
    const found = new Map<string, Config[]>();
    for (const c of shown) {
      const [row] = parts(c.storage_location_code);
      found.set(row, [...(found.get(row) ?? []), c]);
    }
    return [...found].sort(([a], [b]) => a.localeCompare(b, undefined, {numeric: true})).map(([row, all]) => [row, all.sort((a, b) => a.storage_location_code.localeCompare(b.storage_location_code, undefined, {numeric: true}))] as const);
  }, [shown]);
  const toggle = (ids: number[]) => {
    const next = new Set(chosen);
    const on = ids.some((id) => !next.has(id));
    ids.forEach((id) => (on ? next.add(id) : next.delete(id)));
    setChosen(next);
  };
  const first = shown.find((c) => chosen.has(c.storage_location_id));
  return (
    <>
      <h1>{t('nav.config')}</h1>
      <Filters place={place} fields={filters} />
      {!nave && given.length === 0 && !place.query.get('product_id') && !place.query.get('missing') ? (
        <Show from={naves}>{(all) => (
          <nav class="tiles card" aria-label={t('places.naves')}><h2>{t('config.first')}</h2>
            <div>{[...all].sort((a, b) => a.name.localeCompare(b.name, undefined, {numeric: true})).map((n) => <a key={n.warehouse_id} href={`#/config?warehouse_id=${n.warehouse_id}`}><strong>{n.name}</strong><span class="muted">{n.code}</span></a>)}</div></nav>
        )}</Show>
      ) : (
        <Show from={list} rows={4}>
          {(data) => !data || shown.length === 0 ? <Empty text={t('common.none')} /> : (
            <>
              <p class="row wrap tight">{(['none', 'stale', 'new', 'ok'] as Badge[]).map((b) => <span key={b} class={`badge ${tones[b]}`}>{named('config', b)}: {number(shown.filter((c) => badgeOf(c) === b).length)}</span>)}</p>
              {rows.map(([row, all]) => (
                <section key={row} class="card">
                  <div class="row between wrap"><h2>{row}</h2>
                    <button onClick={() => toggle(all.map((c) => c.storage_location_id))}>{t('config.row', {n: all.length})}</button></div>
                  <div class="claros">
                    {all.map((c) => {
                      const on = chosen.has(c.storage_location_id);
                      const badge = badgeOf(c);
                      return (
                        <div key={c.storage_location_id} class={`claro ${tones[badge]} ${on ? 'on' : ''}`}>
                          <button aria-pressed={on} onClick={() => toggle([c.storage_location_id])}>
                            <strong>{parts(c.storage_location_code)[1]}</strong>
                            <span>{c.product_id ? names.products?.get(c.product_id)?.label ?? '…' : t('config.none')}</span>
                            <small>{[c.packaging_catalog_id && names.packaging?.get(c.packaging_catalog_id)?.label, c.expected_product_state_id && names.states?.get(c.expected_product_state_id)?.label, c.valid_from && day(c.valid_from)].filter(Boolean).join(' · ')}</small>
                          </button>
                          <button class="small" onClick={() => setOpen(c)} aria-label={t('config.look', {code: c.storage_location_code})}>⋯</button>
                        </div>
                      );
                    })}
                  </div>
                </section>
              ))}
              {chosen.size > 0 && (
                <div class="selected" role="status">
                  <strong>{t('config.chosen', {n: chosen.size})}</strong>
                  <button onClick={() => setChosen(new Set())}>{t('config.release')}</button>
                  <button class="primary" onClick={() => setEditing(true)}>{t('config.do')}</button>
                </div>
              )}
            </>
          )}
        </Show>
      )}
      {open && <One config={open} onClose={() => setOpen(null)} />}
      {editing && (
        <Sheet title={t('config.chosen', {n: chosen.size})} onClose={() => setEditing(false)}>
          <p class="muted">{shown.filter((c) => chosen.has(c.storage_location_id)).slice(0, 12).map((c) => c.storage_location_code).join(', ')}{chosen.size > 12 ? ' …' : ''}</p>
          <Form id="config" label="common.save" fields={chosen.size > 100 ? [...formFields, {name: 'confirm', key: 'config.confirm', kind: 'yes'}] : formFields}
            initial={{mode: 'create', apply_to_stock: true, area_cm2: first?.area_cm2, plants_per_container: first?.plants_per_container ?? 1, expected_product_state_id: first?.expected_product_state_id}} submit={async (body) => {
              const done = await send<{location_id: number; warnings: string[]}[]>('POST', 'config/locations/bulk', {...body, location_ids: [...chosen]});
              const warned = done.filter((d) => d.warnings.length > 0);
              say(warned.length > 0 ? t('config.saved.warn', {n: done.length, warn: named('warn', warned[0]?.warnings[0] ?? '')}) : t('config.saved', {n: done.length}));
              setEditing(false);
              setChosen(new Set());
              list.reload();
            }} />
        </Sheet>
      )}
    </>
  );
}

