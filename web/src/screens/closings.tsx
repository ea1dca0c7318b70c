// SPDX-License-Identifier: Apache-2.0
// Closings of claros: expected against counted, what was sold, lost or too many; accepted in one go or
// looked into one by one.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {get, send} from '../api';
import {dayTime, named, number, signed, t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import type {Field} from '../office/fields';
import {Form} from '../office/form';
import {query, useNames} from '../office/lists';
import {Filters, RowsView, useRows} from '../office/resource';
import {Sheet} from '../office/sheet';
import {Table, type Column} from '../office/table';
import {say} from '../store';
import {Figure, Photo, Show, useLoad} from '../ui/parts';
import {wordsOf} from '../words';
import '../i18n/office';

interface Recon {
  id: number; storage_location_id: number; storage_location_code: string; session_id: string | null; counted_at: string; accounting_month: string;
  status: string; expected_total: number; observed_total: number; sales_total: number; loss_total: number; surplus_total: number;
  flags: string[]; cause: string | null; note: string | null; reviewed_at: string | null;
}
interface Line {
  product_id: number; packaging_catalog_id: number | null; line_group: string; outcome: string; opening: number; planted: number; transfer_in: number;
  transfer_out: number; deaths: number; logged_sales: number; adjustments: number; expected: number; observed: number; difference: number;
}
const causes: [string, Key][] = ['theft', 'unrecorded_death', 'unrecorded_sale', 'count_error', 'csv_error', 'timing', 'other'].map((c) => [c, `cause.${c}` as Key]);
const flags = ['mixed_location', 'surplus', 'unexplained_loss', 'crop_changed', 'baseline'];
const kinds: [string, Key][] = [['ventas', 'movement.ventas'], ['muerte', 'movement.muerte'], ['ajuste', 'movement.ajuste']];
const filters: Field[] = [
  {name: 'month', key: 'nav.month', kind: 'month'},
  {name: 'status', key: 'stock.state', kind: 'choice', choices: ['draft', 'posted', 'accepted', 'disputed', 'void'].map((s) => [s, `recon.${s}` as Key])},
  {name: 'flag', key: 'recon.flag', kind: 'choice', choices: flags.map((f) => [f, `flag.${f}` as Key])},
  {name: 'warehouse_id', key: 'field.nave', kind: 'list', list: 'naves'}];
const tone = (r: Recon) => ({draft: 'warn', posted: 'plain', accepted: 'good', disputed: 'bad', void: 'plain'} as const)[r.status] ?? 'plain';
const columns: Column<Recon>[] = [
  {key: 'field.claro', of: 'storage_location_code', solid: true}, {key: 'recon.counted.at', of: 'counted_at', kind: 'day'},
  {key: 'recon.expected', of: 'expected_total', kind: 'number'}, {key: 'recon.observed', of: 'observed_total', kind: 'number'},
  {key: 'recon.sales', of: (r) => r.sales_total || null, kind: 'number'}, {key: 'recon.loss', of: (r) => r.loss_total || null, kind: 'number'}, {key: 'recon.surplus', of: (r) => r.surplus_total || null, kind: 'number'},
  {key: 'recon.flag', of: (r) => r.flags.join(), show: (r) => <span class="row wrap tight">{r.flags.map((f) => <span class="badge warn" key={f}>{named('flag', f)}</span>)}</span>},
  {key: 'stock.state', of: 'status', kind: 'named', group: 'recon', tone}];
const lineColumns: Column<Line>[] = [
  {key: 'stock.product', of: 'product_id', kind: 'list', list: 'products'}, {key: 'prices.pot', of: 'packaging_catalog_id', kind: 'list', list: 'packaging'},
  {key: 'claro.opening', of: 'opening', kind: 'number'}, {key: 'claro.planted', of: 'planted', kind: 'number'}, {key: 'claro.deaths', of: (l) => -l.deaths, kind: 'signed'},
  {key: 'recon.transfers', of: (l) => l.transfer_in - l.transfer_out, kind: 'signed'}, {key: 'recon.logged', of: (l) => -l.logged_sales, kind: 'signed'},
  {key: 'recon.expected', of: 'expected', kind: 'number'}, {key: 'recon.observed', of: 'observed', kind: 'number'},
  {key: 'recon.difference', of: (l) => -l.difference, kind: 'signed', tone: (l) => (l.difference === 0 ? 'good' : l.outcome === 'loss' ? 'bad' : 'warn')},
  {key: 'recon.outcome', of: 'outcome', kind: 'named', group: 'outcome'}];

function Closing({id, onDone, onClose}: {id: number; onDone: () => void; onClose: () => void}): JSX.Element {
  const recon = useLoad(() => get<Recon & {lines: Line[]}>(`stock/reconciliations/${id}`), [id]);
  const session = recon.data?.session_id ?? null;
  const photo = useLoad(async () => session && (await get<{original_image_id: string | null}>(`photos/sessions/${session}`)).original_image_id, [session]);
  const names = useNames(['products', 'packaging']);
  const [act, setAct] = useState<'accept' | 'dispute' | 'reclassify' | null>(null);
  const done = (key: Key) => {
    say(t(key));
    setAct(null);
    recon.reload();
    onDone();
  };
  const note: Field = {name: 'note', key: 'move.notes', kind: 'area', max: 2000};
  return (
    <Sheet title={t('recon.one', {code: recon.data?.storage_location_code ?? ''})} onClose={onClose} wide>
      <Show from={recon}>
        {(r) => (
          <>
            <p class="row wrap">
              <span class={`badge ${tone(r)}`}>{named('recon', r.status)}</span>
              {r.flags.map((f) => <span class="badge warn" key={f}>{named('flag', f)}</span>)}
              <span class="muted">{dayTime(r.counted_at)}</span>
            </p>
            <div class="grid figures">
              <Figure name={t('recon.expected')} value={number(r.expected_total)} />
              <Figure name={t('recon.observed')} value={number(r.observed_total)} note={signed(r.observed_total - r.expected_total)} />
              <Figure name={t('recon.sales')} value={number(r.sales_total)} />
              {r.loss_total > 0 && <Figure name={t('recon.loss')} value={number(r.loss_total)} />}
              {r.surplus_total > 0 && <Figure name={t('recon.surplus')} value={number(r.surplus_total)} />}
            </div>
            {r.session_id && (
              <a class="photo-card tall" href={`#/session/${r.session_id}`}>
                <Photo path={photo.data ? `photos/${photo.data}/thumbnail?size=1024` : null} alt={t('session.title')} />
                <span class="text">{t('recon.photo')}</span>
              </a>
            )}
            {r.cause && <p class="notice">{named('cause', r.cause)}{r.note && `: ${r.note}`}</p>}
            <Table rows={r.lines} columns={lineColumns} id={(l) => `${l.product_id}-${l.packaging_catalog_id}-${l.line_group}`} names={names} caption={t('recon.lines')} />
            <div class="row wrap" role="group" aria-label={t('recon.actions')}>
              {(r.status === 'posted' || r.status === 'disputed') && <button class="primary" onClick={() => setAct('accept')}>{t('recon.accept')}</button>}
              {r.status === 'posted' && <button onClick={() => setAct('dispute')}>{t('recon.dispute')}</button>}
              {(r.status === 'posted' || r.status === 'disputed') && <button onClick={() => setAct('reclassify')}>{t('recon.reclassify')}</button>}
              <a class="button" href={`#/claro/${r.storage_location_id}`}>{t('claro.history')}</a>
            </div>
            {act === 'accept' && <Form id={`accept:${id}`} fields={[note]} label="recon.accept" submit={async (body) => {
              await send('POST', `stock/reconciliations/${id}/accept`, body);
              done('recon.accepted.done');
            }} />}
            {act === 'dispute' && <Form id={`dispute:${id}`} fields={[{name: 'cause', key: 'move.cause', kind: 'choice', choices: causes, need: true}, note]} label="recon.dispute" submit={async (body) => {
              await send('POST', `stock/reconciliations/${id}/dispute`, body);
              done('recon.disputed.done');
            }} />}
            {act === 'reclassify' && <Form id={`reclassify:${id}`} label="recon.reclassify" initial={{from: 'ventas', to: 'muerte', line: 0}} fields={[
              {name: 'line', key: 'recon.line', kind: 'list', need: true, options: r.lines.map((l, i) => ({value: i, row: {}, label: `${names.products?.get(l.product_id)?.label ?? ''} ${l.packaging_catalog_id ? names.packaging?.get(l.packaging_catalog_id)?.label ?? '' : ''}`}))},
              {name: 'from', key: 'recon.from', kind: 'choice', choices: kinds, need: true}, {name: 'to', key: 'recon.to', kind: 'choice', choices: kinds, need: true},
              {name: 'quantity', key: 'stock.quantity', kind: 'whole', need: true, min: 1}, {name: 'reason', key: 'session.reason', kind: 'text', need: true, min: 5, max: 2000},
            ]} submit={async ({line, ...body}) => {
              const l = r.lines[Number(line)] as Line;
              await send('POST', `stock/reconciliations/${id}/reclassify`, {...body, product_id: l.product_id, packaging_catalog_id: l.packaging_catalog_id, line_group: l.line_group});
              done('recon.reclassified.done');
            }} />}
          </>
        )}
      </Show>
    </Sheet>
  );
}

export default function Closings({place}: ScreenProps): JSX.Element {
  const list = useRows<Recon>(`stock/reconciliations${query(Object.fromEntries(filters.map((f) => [f.name, place.query.get(f.name)])))}`, true);
  const [open, setOpen] = useState<number | null>(null);
  const [chosen, setChosen] = useState(new Set<number | string>());
  const [busy, setBusy] = useState(false);
  const clean = (list.rows ?? []).filter((r) => r.status === 'posted' && r.flags.length === 0);
  const accept = async () => {
    setBusy(true);
    let n = 0;
    try {
      for (const id of chosen) {
        await send('POST', `stock/reconciliations/${id}/accept`, {});
        n++;
      }
      say(t('recon.accepted.n', {n}));
    } catch (error) {
      say(`${t('recon.accepted.n', {n})}. ${wordsOf(error)}`);
    }
    setBusy(false);
    setChosen(new Set());
    list.reload();
  };
  return (
    <>
      <div class="row between wrap">
        <h1>{t('nav.closings')}</h1>
        <a class="button" href="#/month">{t('month.title')}</a>
      </div>
      <Filters place={place} fields={filters} />
      <div class="row wrap actions">
        {clean.length > 0 && <button onClick={() => setChosen(new Set(clean.map((r) => r.id)))}>{t('recon.choose', {n: clean.length})}</button>}
        {chosen.size > 0 && <button class="primary" disabled={busy} onClick={() => void accept()}>{t('recon.accept.n', {n: chosen.size})}</button>}
      </div>
      <RowsView from={list} columns={columns} id={(r) => r.id} names={[]} onOpen={(r) => setOpen(r.id)} caption={t('nav.closings')} empty={t('recon.empty')}
        selection={{chosen, set: setChosen}} />
      {open !== null && <Closing key={open} id={open} onClose={() => setOpen(null)} onDone={list.reload} />}
    </>
  );
}
