// SPDX-License-Identifier: Apache-2.0
// What stands where: batches with their product, pot and state; one batch with its whole life.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {get, send} from '../api';
import {named, number, t} from '../i18n';
import type {ScreenProps} from '../main';
import {Downloads} from '../office/download';
import type {Field, Values} from '../office/fields';
import {Form} from '../office/form';
import {query, useNames} from '../office/lists';
import {Filters, RowsView, useRows} from '../office/resource';
import {Sheet} from '../office/sheet';
import {Table, type Column} from '../office/table';
import {go} from '../router';
import {say} from '../store';
import {Figure, Show, useLoad} from '../ui/parts';
import '../i18n/office';

interface Batch {
  batch_id: number; batch_code: string; product_id: number; product_state_id: number; product_size_id: number | null; packaging_catalog_id: number | null;
  quantity_initial: number; quantity_current: number; quantity_empty_containers: number; quality_score: number | null; planting_date: string | null;
  transplant_date: string | null; expected_ready_date: string | null; notes: string | null;
}
interface Movement {
  id: number; movement_type: string; quantity: number; occurred_at: string; batch_quantity_after: number; reason_description: string | null;
}

/** LOC15-PROD42-... stands in claro 15. */
const claroOf = (b: Batch): number | null => Number(/^LOC(\d+)-/.exec(b.batch_code)?.[1]) || null;

const filters: Field[] = [
  {name: 'product_id', key: 'stock.product', kind: 'list', list: 'products'}, {name: 'packaging_catalog_id', key: 'prices.pot', kind: 'list', list: 'packaging'},
  {name: 'product_state_id', key: 'stock.state', kind: 'list', list: 'states'}, {name: 'storage_location_id', key: 'field.claro', kind: 'list', list: 'claros'},
  {name: 'batch_status', key: 'stock.status', kind: 'choice', need: true, choices: [['active', 'stock.active'], ['depleted', 'stock.depleted']]}];
const columns: Column<Batch>[] = [
  {key: 'stock.product', of: 'product_id', kind: 'list', list: 'products'}, {key: 'stock.quantity', of: 'quantity_current', kind: 'number'},
  {key: 'prices.pot', of: 'packaging_catalog_id', kind: 'list', list: 'packaging'}, {key: 'stock.state', of: 'product_state_id', kind: 'list', list: 'states'},
  {key: 'stock.place', of: claroOf, kind: 'list', list: 'claros', solid: true}, {key: 'stock.planted', of: 'planting_date', kind: 'day'},
  {key: 'claro.quality', of: 'quality_score', kind: 'number', digits: 1, tone: (b) => (b.quality_score === null ? null : b.quality_score >= 4 ? 'good' : b.quality_score >= 3 ? 'warn' : 'bad')},
  {key: 'stock.batch', of: 'batch_code', desk: true, solid: true}];
const edited: Field[] = [
  {name: 'product_state_id', key: 'stock.state', kind: 'list', list: 'states', need: true}, {name: 'product_size_id', key: 'field.size', kind: 'list', list: 'sizes'},
  {name: 'quality_score', key: 'stock.quality', kind: 'number', min: 0, max: 5}, {name: 'planting_date', key: 'stock.planted', kind: 'day'},
  {name: 'transplant_date', key: 'stock.transplanted', kind: 'day'}, {name: 'expected_ready_date', key: 'stock.ready', kind: 'day'},
  {name: 'notes', key: 'move.notes', kind: 'area', max: 2000}];
const life: Column<Movement>[] = [
  {key: 'field.type', of: 'movement_type', kind: 'named', group: 'movement'}, {key: 'stock.quantity', of: 'quantity', kind: 'signed'},
  {key: 'move.after', of: 'batch_quantity_after', kind: 'number'}, {key: 'audit.when', of: 'occurred_at', kind: 'moment'}, {key: 'move.notes', of: 'reason_description'}];

function BatchSheet({id, write, onClose, onSaved}: {id: string; write: boolean; onClose: () => void; onSaved: () => void}): JSX.Element {
  const batch = useLoad(() => get<Batch>(`stock/batches/${id}`), [id]);
  const cycle = useLoad(() => get<{stage: string; health: string; age_days: number}>(`stock/batches/${id}/lifecycle`), [id]);
  const moves = useLoad(() => get<Movement[]>(`stock/batches/${id}/movements?limit=200`), [id]);
  const names = useNames(['products', 'packaging', 'states', 'claros']);
  const [edit, setEdit] = useState(false);
  return (
    <Sheet title={batch.data?.batch_code ?? t('stock.batch')} onClose={onClose} wide>
      <Show from={batch}>
        {(b) => (
          <>
            <p><strong>{names.products?.get(b.product_id)?.label}</strong>{b.packaging_catalog_id !== null && ` · ${names.packaging?.get(b.packaging_catalog_id)?.label ?? ''}`} · {names.states?.get(b.product_state_id)?.label}</p>
            <div class="grid figures">
              <Figure name={t('stock.quantity')} value={number(b.quantity_current)} note={t('stock.of', {n: b.quantity_initial})} />
              {cycle.data && <Figure name={t('stock.age')} value={t('stock.days', {n: cycle.data.age_days})} note={`${named('stage', cycle.data.stage)} · ${named('health', cycle.data.health)}`} />}
              <Figure name={t('stock.empties')} value={number(b.quantity_empty_containers)} />
            </div>
            <p class="row wrap">
              {claroOf(b) !== null && <a class="button" href={`#/claro/${claroOf(b)}`}>{names.claros?.get(claroOf(b) as number)?.label ?? t('field.claro')}</a>}
              {write && claroOf(b) !== null && <a class="button" href={`#/movements?claro=${claroOf(b)}`}>{t('move.new')}</a>}
              {write && <button aria-expanded={edit} onClick={() => setEdit(!edit)}>{t('stock.edit')}</button>}
            </p>
            {edit && <Form id={`batch:${id}`} fields={edited} initial={b as unknown as Values} label="common.save" submit={async (body) => {
              await send('PATCH', `stock/batches/${id}`, body);
              say(t('form.saved'));
              setEdit(false);
              batch.reload();
              onSaved();
            }} />}
          </>
        )}
      </Show>
      <h3>{t('nav.movements')}</h3>
      <Show from={moves}>{(rows) => <Table rows={rows} columns={life} id={(m) => m.id} caption={t('nav.movements')} />}</Show>
    </Sheet>
  );
}

export default function Stock({place, me}: ScreenProps): JSX.Element {
  const asked = query({batch_status: 'active', q: place.query.get('q'),
    ...Object.fromEntries(filters.filter((f) => place.query.get(f.name)).map((f) => [f.name, place.query.get(f.name)]))});
  const list = useRows<Batch>(`stock/batches${asked}`, false);
  const open = place.path[1];
  const keep = place.query.toString();
  return (
    <>
      <div class="row between wrap">
        <h1>{t('nav.stock')}</h1>
        {me.role !== 'worker' && <Downloads path={`stock/export.{}${asked}`} name="stock" />}
      </div>
      <Filters place={place} fields={filters} defaults={{batch_status: 'active'}} />
      <RowsView from={list} columns={columns} id={(b) => b.batch_id} names={['products', 'packaging', 'states', 'claros']} caption={t('nav.stock')}
        empty={t('stock.empty')} onOpen={(b) => go(`stock/${b.batch_id}${keep ? `?${keep}` : ''}`)} />
      {open && <BatchSheet key={open} id={open} write={me.role === 'supervisor' || me.role === 'admin'} onSaved={list.reload}
        onClose={() => go(`stock${keep ? `?${keep}` : ''}`)} />}
    </>
  );
}
