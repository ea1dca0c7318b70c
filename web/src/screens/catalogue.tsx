// SPDX-License-Identifier: Apache-2.0
// What is grown and in what: products, families, categories, sizes, states; pots and their words.
import type {JSX} from 'preact';
import {t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import type {Field} from '../office/fields';
import {ResourceScreen, type Resource} from '../office/resource';
import {Swatch} from '../office/table';
import {Tabs} from '../office/tabs';
import '../i18n/office';

type R = Record<string, unknown>;
const code = (max: number): Field => ({name: 'code', key: 'field.code', kind: 'text', need: true, once: true, upper: true, min: 1, max, help: 'field.code.help'});
const name: Field = {name: 'name', key: 'field.name', kind: 'text', need: true, min: 1, max: 200};
const description: Field = {name: 'description', key: 'field.description', kind: 'area', max: 10000};
const scientific: Field = {name: 'scientific_name', key: 'field.scientific', kind: 'text', max: 200};
const order: Field = {name: 'sort_order', key: 'field.order', kind: 'whole', min: 0, max: 1000000};

const specs: Record<string, Resource<R>> = {
  products: {
    name: 'products', title: 'catalogue.products', one: 'catalogue.products.new', path: 'products', item: 'products/by-id', id: 'product_id', search: true,
    filters: [{name: 'category_id', key: 'field.category', kind: 'list', list: 'categories'}, {name: 'family_id', key: 'field.family', kind: 'list', list: 'families'}],
    columns: [
      {key: 'field.name', of: 'common_name'}, {key: 'field.sku', of: 'sku'}, {key: 'field.family', of: 'family_id', kind: 'list', list: 'families'},
      {key: 'field.scientific', of: 'scientific_name', desk: true}],
    names: ['families'],
    fields: [
      {name: 'family_id', key: 'field.family', kind: 'list', list: 'families', need: true, once: true},
      {name: 'common_name', key: 'field.name', kind: 'text', need: true, min: 1, max: 200}, scientific, description],
    remove: 'form.delete', empty: 'catalogue.empty',
  },
  families: {
    name: 'families', title: 'catalogue.families', one: 'catalogue.families.new', path: 'products/families', id: 'family_id',
    filters: [{name: 'category_id', key: 'field.category', kind: 'list', list: 'categories'}],
    columns: [{key: 'field.name', of: 'name'}, {key: 'field.category', of: 'category_id', kind: 'list', list: 'categories'}, {key: 'field.scientific', of: 'scientific_name'}],
    names: ['categories'],
    fields: [{name: 'category_id', key: 'field.category', kind: 'list', list: 'categories', need: true, once: true}, name, scientific, description],
    remove: 'form.delete', empty: 'catalogue.empty',
  },
  categories: {
    name: 'categories', title: 'catalogue.categories', one: 'catalogue.categories.new', path: 'products/categories', id: 'id',
    columns: [{key: 'field.name', of: 'name'}, {key: 'field.code', of: 'code'}, {key: 'field.description', of: 'description', desk: true}],
    fields: [code(50), name, description], remove: 'form.delete', empty: 'catalogue.empty',
  },
  states: {
    name: 'states', title: 'catalogue.states', one: 'catalogue.states.new', path: 'products/states', id: 'product_state_id',
    columns: [{key: 'field.name', of: 'name'}, {key: 'field.code', of: 'code'},
      {key: 'field.sellable', of: 'is_sellable', kind: 'yes', tone: (r) => (r.is_sellable ? 'good' : 'plain')}, {key: 'field.order', of: 'sort_order', kind: 'number', desk: true}],
    fields: [code(50), name, {name: 'is_sellable', key: 'field.sellable', kind: 'yes'}, description, order],
    remove: 'form.delete', empty: 'catalogue.empty',
  },
  sizes: {
    name: 'sizes', title: 'catalogue.sizes', one: 'catalogue.sizes.new', path: 'products/sizes', id: 'product_size_id',
    columns: [{key: 'field.name', of: 'name'}, {key: 'field.code', of: 'code'}, {key: 'field.from.cm', of: 'min_height_cm', kind: 'number', digits: 1},
      {key: 'field.to.cm', of: 'max_height_cm', kind: 'number', digits: 1}],
    fields: [code(50), name, {name: 'min_height_cm', key: 'field.from.cm', kind: 'number', min: 0}, {name: 'max_height_cm', key: 'field.to.cm', kind: 'number', min: 0}, description, order],
    remove: 'form.delete', empty: 'catalogue.empty',
  },
  pots: {
    name: 'packaging', title: 'catalogue.pots', one: 'catalogue.pots.new', path: 'packaging/catalog', id: 'id', paged: true, search: true,
    filters: [{name: 'packaging_type_id', key: 'field.type', kind: 'list', list: 'types'}, {name: 'packaging_color_id', key: 'field.colour', kind: 'list', list: 'colours'}],
    columns: [
      {key: 'field.name', of: 'name'}, {key: 'field.sku', of: 'sku'}, {key: 'field.diameter', of: 'diameter_cm', kind: 'number', digits: 1},
      {key: 'field.type', of: 'type_name'}, {key: 'field.material', of: 'material_name', desk: true},
      {key: 'field.colour', of: 'color_name', show: (r) => <span class="row"><Swatch colour={String(r.hex_color)} />{String(r.color_name)}</span>},
      {key: 'field.volume', of: 'volume_liters', kind: 'number', digits: 2, desk: true}],
    fields: [
      {name: 'packaging_type_id', key: 'field.type', kind: 'list', list: 'types', need: true},
      {name: 'packaging_material_id', key: 'field.material', kind: 'list', list: 'materials', need: true},
      {name: 'packaging_color_id', key: 'field.colour', kind: 'list', list: 'colours', need: true},
      {name: 'diameter_cm', key: 'field.diameter', kind: 'number', min: 0.1, max: 100000}, {name: 'height_cm', key: 'field.height', kind: 'number', min: 0.1, max: 100000},
      {name: 'volume_liters', key: 'field.volume', kind: 'number', min: 0.001, max: 100000},
      {name: 'name', key: 'field.name', kind: 'text', max: 200, help: 'field.name.default'},
      {name: 'sku', key: 'field.sku', kind: 'text', once: true, upper: true, min: 6, max: 50, help: 'field.sku.default'}],
    remove: 'form.delete', empty: 'catalogue.empty',
  },
  types: {
    name: 'types', title: 'catalogue.types', one: 'catalogue.types.new', path: 'packaging/types', id: 'id',
    columns: [{key: 'field.name', of: 'name'}, {key: 'field.code', of: 'code'}, {key: 'field.description', of: 'description'}],
    fields: [code(50), name, description], remove: 'form.delete', empty: 'catalogue.empty',
  },
  materials: {
    name: 'materials', title: 'catalogue.materials', one: 'catalogue.materials.new', path: 'packaging/materials', id: 'id',
    columns: [{key: 'field.name', of: 'name'}, {key: 'field.code', of: 'code'}, {key: 'field.description', of: 'description'}],
    fields: [code(50), name, description], remove: 'form.delete', empty: 'catalogue.empty',
  },
  colours: {
    name: 'colours', title: 'catalogue.colours', one: 'catalogue.colours.new', path: 'packaging/colors', id: 'id',
    columns: [{key: 'field.name', of: 'name'}, {key: 'field.colour', of: 'hex_code', kind: 'swatch'}],
    fields: [{...name, min: 3, max: 50}, {name: 'hex_code', key: 'field.colour', kind: 'colour', need: true, upper: true}],
    defaults: {hex_code: '#A0522D'}, remove: 'form.delete', empty: 'catalogue.empty',
  },
};
const tabs: [string, Key][] = [['products', 'catalogue.products'], ['families', 'catalogue.families'], ['categories', 'catalogue.categories'],
  ['states', 'catalogue.states'], ['sizes', 'catalogue.sizes'], ['pots', 'catalogue.pots'], ['types', 'catalogue.types'],
  ['materials', 'catalogue.materials'], ['colours', 'catalogue.colours']];

export default function Catalogue({place, me}: ScreenProps): JSX.Element {
  const tab = place.path[1] ?? 'products';
  return (
    <>
      <h1>{t('nav.catalogue')}</h1>
      <Tabs base="catalogue" tabs={tabs} now={tab} />
      <ResourceScreen key={tab} spec={specs[tab] ?? (specs.products as Resource<R>)} place={place} write={me.role === 'admin'} head={false} />
    </>
  );
}
