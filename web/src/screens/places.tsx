// SPDX-License-Identifier: Apache-2.0
// Naves, canteros, claros, containers and their kinds; a drawn polygon comes as GeoJSON text or by import.
import type {JSX} from 'preact';
import {t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import type {Field} from '../office/fields';
import {ResourceScreen, type Resource} from '../office/resource';
import {Tabs} from '../office/tabs';
import '../i18n/office';

type R = Record<string, unknown>;
const polygon: Field = {name: 'geojson_coordinates', key: 'field.polygon', kind: 'json', need: true, help: 'field.polygon.help'};
const active: Field = {name: 'active', key: 'field.active', kind: 'yes'};
const name: Field = {name: 'name', key: 'field.name', kind: 'text', need: true, min: 1, max: 200};
const nave: Field = {name: 'warehouse_id', key: 'field.nave', kind: 'list', list: 'naves'};
const kinds: [string, Key][] = [['greenhouse', 'nave.greenhouse'], ['shadehouse', 'nave.shadehouse'], ['open_field', 'nave.open_field'], ['tunnel', 'nave.tunnel']];
const sides: [string, Key][] = [['N', 'side.N'], ['S', 'side.S'], ['E', 'side.E'], ['W', 'side.W'], ['C', 'side.C']];
const categories: [string, Key][] = [['plug', 'bin.plug'], ['seedling_tray', 'bin.seedling_tray'], ['box', 'bin.box'], ['segment', 'bin.segment'], ['pot', 'bin.pot']];
const status: [string, Key][] = [['active', 'binstatus.active'], ['maintenance', 'binstatus.maintenance'], ['retired', 'binstatus.retired']];
const code = (max: number): Field => ({name: 'code', key: 'field.code', kind: 'text', upper: true, max, help: 'field.code.default'});
const size = (n: string, key: Key): Field => ({name: n, key, kind: 'number', min: 0.1, max: 1000000});

const specs: Record<string, Resource<R>> = {
  naves: {
    name: 'naves', title: 'places.naves', one: 'places.naves.new', path: 'locations/warehouses', id: 'warehouse_id', search: true,
    columns: [{key: 'field.name', of: 'name'}, {key: 'field.code', of: 'code'}, {key: 'field.type', of: 'warehouse_type', kind: 'named', group: 'nave'},
      {key: 'field.area', of: 'area_m2', kind: 'number', digits: 1}],
    fields: [code(20), name, {name: 'warehouse_type', key: 'field.type', kind: 'choice', choices: kinds, need: true}, polygon, {...active}],
    defaults: {active: true, warehouse_type: 'greenhouse'}, remove: 'form.deactivate', empty: 'map.empty',
  },
  canteros: {
    name: 'canteros', title: 'places.canteros', one: 'places.canteros.new', path: 'locations/areas', id: 'storage_area_id', search: true, filters: [nave],
    columns: [{key: 'field.code', of: 'code'}, {key: 'field.name', of: 'name'}, {key: 'field.nave', of: 'warehouse_id', kind: 'list', list: 'naves'},
      {key: 'field.side', of: 'position', kind: 'named', group: 'side'}, {key: 'field.area', of: 'area_m2', kind: 'number', digits: 1}],
    names: ['naves'],
    fields: [{...nave, need: true, once: true}, code(50), name, {name: 'position', key: 'field.side', kind: 'choice', choices: sides}, polygon, {...active}],
    defaults: {active: true}, remove: 'form.deactivate', empty: 'map.empty',
  },
  claros: {
    name: 'claros', title: 'places.claros', one: 'places.claros.new', path: 'locations/locations', id: 'storage_location_id', search: true,
    filters: [nave, {name: 'has_config', key: 'field.configured', kind: 'choice', choices: [['true', 'common.yes'], ['false', 'common.no']]}],
    columns: [{key: 'field.code', of: 'code'}, {key: 'field.name', of: 'name'}, {key: 'field.qr', of: 'qr_code'},
      {key: 'field.cantero', of: 'storage_area_id', kind: 'list', list: 'canteros', desk: true}, {key: 'field.area', of: 'area_m2', kind: 'number', digits: 2}],
    names: ['canteros'],
    fields: [{name: 'storage_area_id', key: 'field.cantero', kind: 'list', list: 'canteros', need: true, once: true}, code(50), name,
      {name: 'qr_code', key: 'field.qr', kind: 'text', upper: true, min: 8, max: 20, help: 'field.qr.default'},
      {name: 'description', key: 'field.description', kind: 'area', max: 10000}, polygon, {...active}],
    defaults: {active: true}, remove: 'form.deactivate', empty: 'map.empty',
    detail: (r) => <p><a href={`#/claro/${String(r.storage_location_id)}`}>{t('places.open')}</a></p>,
  },
  bins: {
    name: 'bins', title: 'places.bins', one: 'places.bins.new', path: 'locations/bins', id: 'bin_id',
    filters: [{name: 'storage_location_id', key: 'field.claro', kind: 'list', list: 'claros'}, {name: 'storage_bin_type_id', key: 'field.bintype', kind: 'list', list: 'binTypes'},
      {name: 'status', key: 'stock.state', kind: 'choice', choices: status}],
    columns: [{key: 'field.code', of: 'code'}, {key: 'field.label', of: 'label'}, {key: 'field.bintype', of: 'storage_bin_type_id', kind: 'list', list: 'binTypes'},
      {key: 'stock.state', of: 'status', kind: 'named', group: 'binstatus', tone: (r) => (r.status === 'active' ? 'good' : r.status === 'retired' ? 'plain' : 'warn')}],
    names: ['binTypes'],
    fields: [{name: 'storage_location_id', key: 'field.claro', kind: 'list', list: 'claros', need: true, once: true},
      {name: 'storage_bin_type_id', key: 'field.bintype', kind: 'list', list: 'binTypes', need: true}, code(100),
      {name: 'label', key: 'field.label', kind: 'text', need: true, min: 1, max: 100}, {name: 'status', key: 'stock.state', kind: 'choice', choices: status, need: true}],
    defaults: {status: 'active'}, remove: 'form.deactivate', empty: 'places.bins.empty',
  },
  'bin-types': {
    name: 'bin-types', title: 'places.bintypes', one: 'places.bintypes.new', path: 'locations/bin-types', id: 'storage_bin_type_id',
    filters: [{name: 'category', key: 'field.category', kind: 'choice', choices: categories}],
    columns: [{key: 'field.name', of: 'name'}, {key: 'field.code', of: 'code'}, {key: 'field.category', of: 'category', kind: 'named', group: 'bin'},
      {key: 'field.capacity', of: 'capacity', kind: 'number'}, {key: 'field.rows', of: 'rows', kind: 'number', desk: true}, {key: 'field.columns', of: 'columns', kind: 'number', desk: true}],
    fields: [{name: 'code', key: 'field.code', kind: 'text', need: true, once: true, upper: true, min: 3, max: 50}, name,
      {name: 'category', key: 'field.category', kind: 'choice', choices: categories, need: true, once: true},
      {name: 'is_grid', key: 'field.grid', kind: 'yes'},
      {name: 'rows', key: 'field.rows', kind: 'whole', min: 1, when: (v) => Boolean(v.is_grid), need: true}, {name: 'columns', key: 'field.columns', kind: 'whole', min: 1, when: (v) => Boolean(v.is_grid), need: true},
      {name: 'capacity', key: 'field.capacity', kind: 'whole', min: 1}, size('length_cm', 'field.length'), size('width_cm', 'field.width'), size('height_cm', 'field.height'),
      {name: 'description', key: 'field.description', kind: 'area', max: 10000}],
    remove: 'form.deactivate', empty: 'catalogue.empty',
  },
};
const tabs: [string, Key][] = [['naves', 'places.naves'], ['canteros', 'places.canteros'], ['claros', 'places.claros'], ['bins', 'places.bins'], ['bin-types', 'places.bintypes']];

export default function Places({place, me}: ScreenProps): JSX.Element {
  const tab = place.path[1] ?? 'naves';
  const write = me.role === 'admin' || (me.role === 'supervisor' && tab === 'bins');
  return (
    <>
      <div class="row between wrap">
        <h1>{t('nav.places')}</h1>
        {me.role === 'admin' && <a class="button" href="#/imports">{t('places.import')}</a>}
      </div>
      <Tabs base="places" tabs={tabs} now={tab} />
      <ResourceScreen key={tab} spec={specs[tab] ?? (specs.naves as Resource<R>)} place={place} write={write} head={false} />
    </>
  );
}
