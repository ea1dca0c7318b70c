// SPDX-License-Identifier: Apache-2.0
// How much ground a plant takes, by container, product and pot: learned, locked, or measured on photos
// with a known count.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {get, send} from '../api';
import {day, number, percent, t} from '../i18n';
import type {ScreenProps} from '../main';
import type {Field} from '../office/fields';
import {Form} from '../office/form';
import {ResourceScreen, type Resource} from '../office/resource';
import {Sheet} from '../office/sheet';
import {Table, type Column} from '../office/table';
import {say} from '../store';
import {Figure, Show, Sparkline, useLoad} from '../ui/parts';
import '../i18n/office';

interface Density {
  id: number; storage_bin_type_id: number; product_id: number | null; packaging_catalog_id: number | null; avg_area_per_plant_cm2: number; plants_per_m2: number;
  overlap_adjustment_factor: number; avg_diameter_cm: number; notes: string | null; locked: boolean; sample_count: number; updated_at: string | null;
}
interface Sample {
  created_at: string; sample_size: number; sample_area_cm2: number | null; old: Record<string, number> | null; new: Record<string, number> | null; applied: boolean; reason: string | null;
}
const sampleColumns: Column<Sample>[] = [
  {key: 'audit.when', of: 'created_at', kind: 'moment'}, {key: 'density.sample', of: 'sample_area_cm2', kind: 'number', digits: 2}, {key: 'density.size', of: 'sample_size', kind: 'number'},
  {key: 'density.applied', of: 'applied', kind: 'yes', tone: (s) => (s.applied ? 'good' : 'bad')}, {key: 'density.why', of: 'reason'}];

function Drift({row}: {row: Density}): JSX.Element {
  const found = useLoad(() => get<Sample[]>(`config/density-params/${row.id}/calibrations?limit=100`), [row.id]);
  return (
    <>
      <div class="grid figures">
        <Figure name={t('density.area')} value={number(row.avg_area_per_plant_cm2, 2)} note={t('density.perm2', {n: number(row.plants_per_m2, 1)})} />
        <Figure name={t('density.samples')} value={number(row.sample_count)} note={row.locked ? t('density.locked') : t('density.learning')} />
      </div>
      <Show from={found} rows={1}>
        {(rows) => rows.length === 0 ? <p class="muted">{t('density.nosamples')}</p> : (
          <>
            <Sparkline values={[...rows].reverse().map((s) => s.sample_area_cm2).filter((v): v is number => v !== null)} label={t('density.drift')} />
            <Table rows={rows} columns={sampleColumns} id={(s) => s.created_at} caption={t('density.samples')} />
          </>
        )}
      </Show>
    </>
  );
}

const key: Field[] = [
  {name: 'storage_bin_type_id', key: 'field.bintype', kind: 'list', list: 'binTypes', need: true, once: true}, {name: 'product_id', key: 'stock.product', kind: 'list', list: 'products', once: true, help: 'density.any'},
  {name: 'packaging_catalog_id', key: 'prices.pot', kind: 'list', list: 'packaging', once: true}];
const spec: Resource<Density> = {
  name: 'density', title: 'nav.density', one: 'density.new', path: 'config/density-params', id: 'id',
  filters: [{name: 'storage_bin_type_id', key: 'field.bintype', kind: 'list', list: 'binTypes'}, {name: 'product_id', key: 'stock.product', kind: 'list', list: 'products'}, {name: 'packaging_catalog_id', key: 'prices.pot', kind: 'list', list: 'packaging'}],
  columns: [{key: 'field.bintype', of: 'storage_bin_type_id', kind: 'list', list: 'binTypes'}, {key: 'stock.product', of: 'product_id', kind: 'list', list: 'products'},
    {key: 'prices.pot', of: 'packaging_catalog_id', kind: 'list', list: 'packaging'}, {key: 'density.area', of: 'avg_area_per_plant_cm2', kind: 'number', digits: 2},
    {key: 'density.m2', of: 'plants_per_m2', kind: 'number', digits: 1}, {key: 'density.samples', of: 'sample_count', kind: 'number'},
    {key: 'density.lock', of: 'locked', kind: 'yes', tone: (d) => (d.locked ? 'warn' : 'plain')}, {key: 'density.changed', of: 'updated_at', kind: 'day', desk: true}],
  names: ['binTypes', 'products', 'packaging'],
  fields: [...key, {name: 'avg_area_per_plant_cm2', key: 'density.area', kind: 'number', need: true, min: 0.5, max: 10000},
    {name: 'overlap_adjustment_factor', key: 'density.overlap', kind: 'number', min: 0.5, max: 1, help: 'density.overlap.help'}, {name: 'locked', key: 'density.lock', kind: 'yes', help: 'density.lock.help'},
    {name: 'notes', key: 'move.notes', kind: 'area', max: 10000}],
  remove: 'form.delete', empty: 'density.empty', detail: (row) => <Drift row={row} />,
};

interface Calibrated {
  proposed: Record<string, number>; current: Density | null; error_pct: number | null; applied: boolean;
}
interface Session {
  session_id: string; captured_at: string; storage_location_id: number | null; total_detected: number; total_estimated: number;
}

function Calibrate({onClose}: {onClose: () => void}): JSX.Element {
  const recent = useLoad(() => get<{items: Session[]}>('photos/sessions?status=completed&per_page=100'), []);
  const [result, setResult] = useState<Calibrated | null>(null);
  const options = (recent.data?.items ?? []).map((s) => ({value: s.session_id, row: {}, label: t('density.photo', {day: day(s.captured_at), n: s.total_detected + s.total_estimated, id: s.session_id.slice(0, 8)})}));
  const references = [1, 2, 3, 4, 5].flatMap((n): Field[] => [
    {name: `photo${n}`, key: `density.photo.${n}` as 'density.photo.1', kind: 'list', options, need: n <= 3}, {name: `count${n}`, key: 'density.known', kind: 'whole', min: 1, need: n <= 3}]);
  return (
    <Sheet title={t('density.calibrate')} onClose={onClose}>
      <p class="muted">{t('density.calibrate.help')}</p>
      <Form id="calibrate" fields={[...key.map((f) => ({...f, once: false})), ...references, {name: 'apply', key: 'density.apply', kind: 'yes'}]} keep={['storage_bin_type_id', 'product_id', 'packaging_catalog_id', ...references.map((f) => f.name)]}
        label="density.calculate" submit={async (body) => {
          const refs = [1, 2, 3, 4, 5].filter((n) => body[`photo${n}`] && body[`count${n}`]).map((n) => ({session_id: body[`photo${n}`], known_count: body[`count${n}`]}));
          const done = await send<Calibrated>('POST', 'config/density-params/calibrate', {storage_bin_type_id: body.storage_bin_type_id, product_id: body.product_id, packaging_catalog_id: body.packaging_catalog_id, references: refs, apply: Boolean(body.apply)});
          setResult(done);
          if (done.applied) say(t('form.saved'));
        }} />
      {result && (
        <div class="notice good" role="status">
          <strong>{t('density.proposed', {n: number(result.proposed.avg_area_per_plant_cm2 ?? 0, 2)})}</strong>
          {result.current && <span>{t('density.currently', {n: number(result.current.avg_area_per_plant_cm2, 2)})}</span>}
          {result.error_pct !== null && <span>{t('density.error', {n: percent(result.error_pct / 100)})}</span>}
          <span>{t(result.applied ? 'density.saved' : 'density.notsaved')}</span>
        </div>
      )}
    </Sheet>
  );
}

export default function DensityScreen({place}: ScreenProps): JSX.Element {
  const [open, setOpen] = useState(false);
  return (
    <>
      <ResourceScreen spec={spec} place={place} write />
      <div class="row"><button onClick={() => setOpen(true)}>{t('density.calibrate')}</button></div>
      {open && <Calibrate onClose={() => setOpen(false)} />}
    </>
  );
}
