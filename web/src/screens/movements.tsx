// SPDX-License-Identifier: Apache-2.0
// What happened to plants: the six forms and the manual count, each asking only what it needs, and the
// list of all that was noted, with the way back.
import type {JSX} from 'preact';
import {useEffect, useMemo, useRef, useState} from 'preact/hooks';
import {ApiError, get, send} from '../api';
import {dayTime, money, named, number, signed, t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import {parseNumber} from '../i18n';
import type {Field, Values} from '../office/fields';
import {Form} from '../office/form';
import {page, query, useNames, type Option} from '../office/lists';
import {Filters, RowsView, useRows} from '../office/resource';
import {Sheet} from '../office/sheet';
import type {Column} from '../office/table';
import {Tabs} from '../office/tabs';
import {say} from '../store';
import {Icon} from '../ui/parts';
import {wordsOf} from '../words';
import '../i18n/office';

type Type = 'muerte' | 'plantar' | 'sembrar' | 'transplante' | 'ventas' | 'ajuste' | 'manual';
interface Batch {
  batch_id: number; batch_code: string; product_id: number; product_state_id: number; product_size_id: number | null;
  packaging_catalog_id: number | null; quantity_current: number;
}
interface Config {
  product_id: number; packaging_catalog_id: number | null; expected_product_state_id: number; plants_per_container: number;
  product_name: string; packaging_name: string | null; state_name: string;
}
interface Movement {
  id: number; movement_id: string; batch_id: number; movement_type: string; quantity: number; user_id: number; source_type: string;
  occurred_at: string; created_at: string; reason_description: string | null; batch_quantity_after: number; reverses_movement_id: string | null;
  unit_price: number | null; total_price: number | null; processing_session_id: number | null;
}
const tabs: [Type, Key][] = [['muerte', 'movement.muerte'], ['plantar', 'movement.plantar'], ['sembrar', 'movement.sembrar'],
  ['transplante', 'movement.transplante'], ['ventas', 'movement.ventas'], ['ajuste', 'movement.ajuste'], ['manual', 'movement.manual_init']];
const causes: [string, Key][] = [['rot', 'death.rot'], ['dry', 'death.dry'], ['frost', 'death.frost'], ['heat', 'death.heat'], ['pest', 'death.pest'],
  ['broken', 'death.broken'], ['other', 'death.other']];
const outflow = new Set<Type>(['muerte', 'transplante', 'ventas', 'ajuste']);
const stateOf: Partial<Record<Type, string>> = {sembrar: 'SEED'};
const LAST = 'last-claro';

interface Ground {
  claro: number;
  batches: Batch[];
  total: number;
  config: Config | null;
}

async function groundOf(claro: number): Promise<Ground> {
  const [stock, config] = await Promise.all([
    get<{batches: Batch[]; total_plants: number}>(`stock/locations/${claro}/stock`),
    get<Config>(`config/locations/${claro}`).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    })]);
  return {claro, batches: stock.batches.filter((b) => b.quantity_current > 0), total: stock.total_plants, config};
}

const keyOf = (b: Batch): string => `${b.product_id}-${b.product_state_id}-${b.product_size_id ?? ''}-${b.packaging_catalog_id ?? ''}`;

/** What can be taken from: each kind of plant as a whole (oldest first), and single batches where there are several. */
function useLines(ground: Ground | null): Option[] {
  const names = useNames(['products', 'states', 'packaging']);
  return useMemo(() => {
    const kinds = new Map<string, Batch[]>();
    for (const b of ground?.batches ?? []) kinds.set(keyOf(b), [...(kinds.get(keyOf(b)) ?? []), b]);
    const options: Option[] = [];
    for (const [key, all] of kinds) {
      const b = all[0] as Batch;
      const what = [names.products?.get(b.product_id)?.label, b.packaging_catalog_id ? names.packaging?.get(b.packaging_catalog_id)?.label : null,
        names.states?.get(b.product_state_id)?.label].filter(Boolean).join(' · ');
      const sum = all.reduce((n, x) => n + x.quantity_current, 0);
      options.push({value: key, label: t('move.line', {what, n: sum}), row: {batch: b, available: sum, one: false}});
      if (all.length > 1)
        for (const x of all) options.push({value: `b${x.batch_id}`, label: t('move.batch', {code: x.batch_code, n: x.quantity_current}), row: {batch: x, available: x.quantity_current, one: true}});
    }
    return options;
  }, [ground, names.products, names.states, names.packaging]);
}

function fieldsOf(type: Type, lines: Option[], lead: boolean, mismatch: boolean): Field[] {
  const out = outflow.has(type) && !(type === 'ajuste' && lines.length === 0);
  const other = (v: Values) => Boolean(v.more);
  const potted = type !== 'sembrar';
  const fields: Field[] = [{name: 'storage_location_id', key: 'field.claro', kind: 'list', list: 'claros', need: true}];
  if (type === 'ajuste')
    fields.push({name: 'direction', key: 'move.direction', kind: 'choice', choices: [['remove', 'move.remove'], ['add', 'move.add']], need: true});
  if (out) fields.push({name: 'line', key: 'move.from', kind: 'list', options: lines, need: true});
  if (type === 'transplante') fields.push({name: 'destination_location_id', key: 'move.to', kind: 'list', list: 'claros', need: true});
  fields.push({name: 'quantity', key: 'stock.quantity', kind: 'whole', need: true, min: 1, max: 100000});
  if (type === 'muerte') fields.push({name: 'cause', key: 'move.cause', kind: 'choice', choices: causes, need: true});
  if (type === 'ajuste') fields.push({name: 'notes', key: 'session.reason', kind: 'text', need: true, min: 5, max: 500});
  fields.push({name: 'more', key: 'move.more', kind: 'yes'});
  if (!out) {
    const choose = (v: Values) => other(v) || v.product_id === '' || v.product_id === null;
    fields.push({name: 'product_id', key: 'stock.product', kind: 'list', list: 'products', need: true, when: choose},
      {name: 'product_state_id', key: 'stock.state', kind: 'list', list: 'states', need: true, when: choose});
    if (potted) fields.push({name: 'packaging_catalog_id', key: 'prices.pot', kind: 'list', list: 'packaging', when: choose});
    fields.push({name: 'product_size_id', key: 'field.size', kind: 'list', list: 'sizes', when: other},
      {name: 'planting_date', key: type === 'sembrar' ? 'move.sown' : 'move.planted', kind: 'day', when: other});
  }
  if (type === 'plantar') fields.push({name: 'reuse_empty', key: 'move.reuse', kind: 'yes', when: other});
  if (type === 'transplante')
    fields.push({name: 'to_product_state_id', key: 'move.tostate', kind: 'list', list: 'states', when: other},
      {name: 'to_packaging_catalog_id', key: 'move.topot', kind: 'list', list: 'packaging', when: other},
      {name: 'to_product_size_id', key: 'move.tosize', kind: 'list', list: 'sizes', when: other});
  if (type === 'ventas') fields.push({name: 'unit_price', key: 'move.price', kind: 'number', min: 0, when: other, help: 'move.price.help'});
  if (type === 'manual') {
    if (lead) fields.push({name: 'recount', key: 'move.recount', kind: 'yes', help: 'move.recount.help'});
  } else {
    fields.push({name: 'occurred_at', key: 'move.when', kind: 'moment', when: other});
  }
  if (type !== 'ajuste') fields.push({name: 'notes', key: 'move.notes', kind: 'text', max: 500, when: other});
  if (lead && mismatch && type !== 'manual') fields.push({name: 'allow_mismatch', key: 'move.mismatch', kind: 'yes', help: 'move.mismatch.help'});
  return fields;
}

interface Noted {
  type: Type;
  claro: number;
  ids: string[];
  total: number | null;
  warnings: string[];
}

function Entry({type, me, claro, onNoted}: {type: Type; me: ScreenProps['me']; claro: number | null; onNoted: (noted: Noted) => void}): JSX.Element {
  const lead = me.role === 'supervisor' || me.role === 'admin';
  const [ground, setGround] = useState<Ground | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [mismatch, setMismatch] = useState(false);
  const [round, setRound] = useState(0);
  const lines = useLines(ground);
  const names = useNames(['states']);
  const once = useRef(crypto.randomUUID());
  const asked = useRef(0);
  const filled = useRef('');
  const known = useRef<{id: unknown; set: (more: Values) => void} | null>(null);

  // Product, pot and state come from the configuration, the one batch there is from the stock.
  useEffect(() => {
    if (!ground || !known.current || names.states === undefined) return;
    const mark = `${ground.claro}-${round}`;
    if (filled.current === mark) return;
    if (outflow.has(type) && lines.length === 0 && ground.batches.length > 0) return;
    filled.current = mark;
    const sown = stateOf[type];
    const state = sown ? [...names.states.values()].find((o) => o.row.code === sown)?.value : ground.config?.expected_product_state_id;
    known.current.set({
      line: lines.length >= 1 ? (lines[0] as Option).value : '',
      product_id: ground.config?.product_id ?? '', product_state_id: state ?? '',
      packaging_catalog_id: type === 'sembrar' ? '' : ground.config?.packaging_catalog_id ?? '',
    });
  }, [ground, lines, names.states, round]);

  const changed = (values: Values, set: (more: Values) => void) => {
    const id = values.storage_location_id;
    known.current = {id, set};
    if (typeof id !== 'number' || asked.current === id) return;
    asked.current = id;
    setGround(null);
    setFault(null);
    groundOf(id).then((g) => asked.current === id && setGround(g), (error: unknown) => {
      asked.current = 0;
      setFault(wordsOf(error));
    });
  };
  const submit = async (body: Values, values: Values) => {
    const line = lines.find((l) => l.value === values.line);
    const batch = line?.row.batch as Batch | undefined;
    const place = Number(values.storage_location_id);
    const key = outflow.has(type) && batch ? {
      product_id: batch.product_id, product_state_id: batch.product_state_id, product_size_id: batch.product_size_id,
      packaging_catalog_id: batch.packaging_catalog_id, ...(line?.row.one ? {batch_id: batch.batch_id} : {}),
    } : {product_id: values.product_id, product_state_id: values.product_state_id, packaging_catalog_id: values.packaging_catalog_id || null,
      ...(body.product_size_id ? {product_size_id: body.product_size_id} : {})};
    const cause = type === 'muerte' ? t(`death.${String(values.cause)}` as Key) : null;
    const note = [cause, body.notes].filter(Boolean).join(': ');
    const {line: _l, direction, cause: _c, more: _m, recount, notes: _n, ...rest} = body;
    const headers = {'Idempotency-Key': once.current};
    if (type === 'manual') {
      const reply = await send<{movement_id: string; batch_quantity_after: number; warnings: string[]}>('POST', 'stock/manual',
        {...rest, ...key, mode: recount ? 'recount' : 'initial', ...(note ? {notes: note} : {})}, headers);
      onNoted({type, claro: place, ids: [], total: null, warnings: reply.warnings});
    } else {
      const reply = await send<{movement_id: string; location_total: number; warnings: string[]}>('POST', 'stock/operations',
        {operation: type, ...rest, ...key, ...(note ? {notes: note} : {}),
          ...(type === 'ajuste' && direction === 'remove' ? {quantity: -Number(rest.quantity)} : {})}, headers);
      onNoted({type, claro: place, ids: [reply.movement_id], total: reply.location_total, warnings: reply.warnings});
    }
    localStorage.setItem(LAST, String(place));
    once.current = crypto.randomUUID();
    asked.current = 0;
    setMismatch(false);
    setRound((n) => n + 1);
    groundOf(place).then(setGround, () => undefined);
  };
  const refused = (error: ApiError, set: (more: Values) => void) => {
    once.current = error.offline ? once.current : crypto.randomUUID();
    if (error.problem?.rule === 'PRODUCT_MISMATCH' || error.problem?.rule === 'PACKAGING_MISMATCH') setMismatch(true);
    if (error.problem?.rule === 'INSUFFICIENT_STOCK') set({quantity: values(error)});
  };
  const values = (error: ApiError): string => String(error.problem?.details?.requested ?? '');
  const start = claro ?? (Number(localStorage.getItem(LAST)) || null);
  return (
    <Form id={`movement:${type}`} fields={fieldsOf(type, lines, lead, mismatch)} label="common.save" submit={submit} onChange={changed}
      initial={{storage_location_id: start, direction: 'remove'}} keep={['storage_location_id', 'direction', 'cause']} onRefused={refused}>
      {(v) => <Outcome type={type} values={v} ground={ground} lines={lines} fault={fault} onAll={(n) => known.current?.set({quantity: number(n)})} />}
    </Form>
  );
}

/** What there is, and what will be left: before anything is saved. */
function Outcome({type, values, ground, lines, fault, onAll}: {
  type: Type; values: Values; ground: Ground | null; lines: Option[]; fault: string | null; onAll: (n: number) => void;
}): JSX.Element | null {
  if (fault) return <p class="notice bad" role="alert">{fault}</p>;
  if (!ground) return values.storage_location_id ? <p class="muted" aria-busy="true">{t('common.loading')}</p> : <p class="muted">{t('move.first')}</p>;
  const n = parseNumber(String(values.quantity ?? '')) ?? 0;
  const line = lines.find((l) => l.value === values.line);
  const takes = outflow.has(type) && !(type === 'ajuste' && values.direction === 'add');
  if (outflow.has(type) && lines.length === 0 && type !== 'ajuste') return <p class="notice">{t('move.empty')}</p>;
  const available = takes && line ? Number(line.row.available) : null;
  if (available !== null && n > available) {
    return (
      <div class="notice bad" role="alert">
        <strong>{t('rule.INSUFFICIENT_STOCK', {available, requested: n})}</strong>
        <button type="button" onClick={() => onAll(available)}>{t('move.useall', {n: available})}</button>
      </div>
    );
  }
  const config = ground.config;
  return (
    <div class="outcome" aria-live="polite">
      {!outflow.has(type) && config && <span>{[config.product_name, config.packaging_name, type === 'sembrar' ? null : config.state_name].filter(Boolean).join(' · ')}</span>}
      {!config && !outflow.has(type) && <span class="badge warn">{t('claro.noconfig')}</span>}
      {type === 'manual' ? n > 0 && <strong>{t('move.counted', {n})}</strong>
        : <strong>{n > 0 ? t(type === 'transplante' ? 'move.leftmoved' : 'move.left', {n: ground.total + (takes ? -n : n), before: ground.total}) : t('move.now', {n: ground.total})}</strong>}
    </div>
  );
}

function Detail({row, me, onDone}: {row: Movement; me: ScreenProps['me']; onDone: () => void}): JSX.Element {
  const lead = me.role === 'supervisor' || me.role === 'admin';
  const mine = row.user_id === me.id && Date.now() - Date.parse(row.created_at) < 86400000;
  const can = row.reverses_movement_id === null && row.processing_session_id === null && !['foto', 'manual_init'].includes(row.movement_type)
    && (lead || (me.role === 'worker' && mine));
  return (
    <>
      <dl class="facts">
        <dt>{t('stock.quantity')}</dt><dd>{signed(row.quantity)}</dd>
        <dt>{t('audit.when')}</dt><dd>{dayTime(row.occurred_at)}</dd>
        <dt>{t('move.after')}</dt><dd>{number(row.batch_quantity_after)}</dd>
        {row.total_price !== null && <><dt>{t('move.amount')}</dt><dd>{money(Math.round(row.total_price * 100))}</dd></>}
        {row.reason_description && <><dt>{t('move.notes')}</dt><dd>{row.reason_description}</dd></>}
        <dt>{t('stock.batch')}</dt><dd><a href={`#/stock/${row.batch_id}`}>{row.batch_id}</a></dd>
      </dl>
      {can && (
        <Form id={`reverse:${row.movement_id}`} fields={[{name: 'reason_description', key: 'session.reason', kind: 'text', need: true, min: 1, max: 2000}]}
          label="move.reverse" danger submit={async (body) => {
            await send('POST', `stock/movements/${row.movement_id}/reverse`, body);
            say(t('move.reversed'));
            onDone();
          }} />
      )}
    </>
  );
}

const filters: Field[] = [
  {name: 'movement_type', key: 'field.type', kind: 'choice', choices: ['plantar', 'sembrar', 'transplante', 'muerte', 'ventas', 'ajuste', 'foto', 'manual_init'].map((m) => [m, `movement.${m}` as Key])},
  {name: 'storage_location_id', key: 'field.claro', kind: 'list', list: 'claros'},
  {name: 'date_from', key: 'field.from', kind: 'day'}, {name: 'date_to', key: 'field.to', kind: 'day'}];
const columns: Column<Movement>[] = [
  {key: 'field.type', of: 'movement_type', kind: 'named', group: 'movement'}, {key: 'stock.quantity', of: 'quantity', kind: 'signed'},
  {key: 'audit.when', of: 'occurred_at', kind: 'moment'}, {key: 'move.after', of: 'batch_quantity_after', kind: 'number', desk: true},
  {key: 'move.source', of: 'source_type', kind: 'named', group: 'source', desk: true}, {key: 'move.notes', of: 'reason_description'}];

function List({place, me}: {place: ScreenProps['place']; me: ScreenProps['me']}): JSX.Element {
  const [open, setOpen] = useState<Movement | null>(null);
  const list = useRows<Movement>(`stock/movements${query({...Object.fromEntries(filters.map((f) => [f.name, place.query.get(f.name)])), ...(me.role === 'worker' ? {user_id: me.id} : {})})}`, false);
  return (
    <>
      <h2>{t(me.role === 'worker' ? 'move.mine' : 'move.all')}</h2>
      <Filters place={place} fields={filters} />
      <RowsView from={list} columns={columns} id={(m) => m.id} names={[]} onOpen={setOpen} caption={t('nav.movements')} empty={t('move.none')} />
      {open && (
        <Sheet title={named('movement', open.movement_type)} onClose={() => setOpen(null)}>
          <Detail row={open} me={me} onDone={() => { setOpen(null); list.reload(); }} />
        </Sheet>
      )}
    </>
  );
}

/** The next claro of the same cantero, by its code. */
async function nextClaro(after: number): Promise<number | null> {
  const all = (await page<{storage_location_id: number; storage_area_id: number; code: string}>('locations/locations?limit=1000')).rows;
  const here = all.find((c) => c.storage_location_id === after);
  const near = all.filter((c) => c.storage_area_id === here?.storage_area_id).sort((a, b) => a.code.localeCompare(b.code, undefined, {numeric: true}));
  return near[near.findIndex((c) => c.storage_location_id === after) + 1]?.storage_location_id ?? null;
}

export default function Movements({place, me}: ScreenProps): JSX.Element {
  const type = place.path[1] as Type | undefined;
  const claro = Number(place.query.get('claro')) || null;
  const [noted, setNoted] = useState<Noted | null>(null);
  const [start, setStart] = useState<number | null>(claro);
  const mine = tabs.filter(([name]) => me.role === 'supervisor' || me.role === 'admin' || !['ventas', 'ajuste'].includes(name));
  if (!type || !mine.some(([name]) => name === type)) {
    return (
      <>
        <h1>{t('nav.movements')}</h1>
        {me.role !== 'viewer' && (
          <nav class="card tiles" aria-label={t('move.new')}>
            <h2>{t('move.new')}</h2>
            <div>{mine.map(([name, key]) => (
              <a key={name} href={`#/movements/${name}${claro ? `?claro=${claro}` : ''}`}><Icon name={iconOf[name]} /><span>{t(key)}</span></a>
            ))}</div>
          </nav>
        )}
        <List place={place} me={me} />
      </>
    );
  }
  const done = (n: Noted) => {
    setNoted(n);
    const undo = n.ids[0];
    say(n.total === null ? t('form.saved') : t('move.saved', {n: n.total}), undo ? () => {
      send('POST', `stock/movements/${undo}/reverse`, {reason_description: t('move.undone')}).then(
        () => say(t('move.reversed')), (error: unknown) => say(wordsOf(error)));
    } : undefined);
  };
  return (
    <>
      <h1>{named('movement', type === 'manual' ? 'manual_init' : type)}</h1>
      <Tabs base="movements" tabs={mine} now={type} />
      <div class="narrow">
        {noted && noted.type === type && (
          <div class="notice good" role="status">
            <strong>{noted.total === null ? t('form.saved') : t('move.saved', {n: noted.total})}</strong>
            {noted.warnings.map((w) => <span key={w}>{named('warn', w)}</span>)}
            <div class="row wrap">
              <button onClick={() => void nextClaro(noted.claro).then((next) => { setNoted(null); setStart(next); })}>{t('move.next')}</button>
              <a class="button" href={`#/claro/${noted.claro}`}>{t('places.open')}</a>
            </div>
          </div>
        )}
        <section class="card"><Entry key={`${type}-${start ?? ''}`} type={type} me={me} claro={start} onNoted={done} /></section>
      </div>
    </>
  );
}

const iconOf: Record<Type, string> = {muerte: 'death', plantar: 'plant', sembrar: 'seed', transplante: 'movements', ventas: 'prices', ajuste: 'settings', manual: 'tally'};
