// SPDX-License-Identifier: Apache-2.0
// Lists of the server that fields choose from and tables name rows by: asked once, kept a minute.
import {useEffect, useState} from 'preact/hooks';
import {request} from '../api';

export type Row = Record<string, unknown>;
export interface Option {
  value: number | string;
  label: string;
  row: Row;
}
export interface Page<T> {
  rows: T[];
  total: number;
}

/** One page of any list: a bare array with X-Total-Count, or {items, pagination}. */
export async function page<T>(path: string): Promise<Page<T>> {
  const response = await request(`api/v1/${path}`);
  const reply = (await response.json()) as T[] | {items: T[]; pagination: {total_items: number}};
  if (Array.isArray(reply)) return {rows: reply, total: Number(response.headers.get('X-Total-Count') ?? reply.length)};
  return {rows: reply.items, total: reply.pagination.total_items};
}

const STEP = 1000;

/** Every row of an offset list. */
export async function everyRow<T>(path: string): Promise<T[]> {
  const all: T[] = [];
  for (;;) {
    const part = await page<T>(`${path}${path.includes('?') ? '&' : '?'}limit=${STEP}&skip=${all.length}`);
    all.push(...part.rows);
    if (part.rows.length === 0 || all.length >= part.total) return all;
  }
}

async function everyPage<T>(path: string): Promise<T[]> {
  const all: T[] = [];
  for (let n = 1; ; n++) {
    const part = await page<T>(`${path}${path.includes('?') ? '&' : '?'}per_page=100&page=${n}`);
    all.push(...part.rows);
    if (part.rows.length === 0 || all.length >= part.total) return all;
  }
}

interface Source {
  path: string;
  id: string;
  label: (row: Row) => string;
  paged?: boolean;
}
const byName = (row: Row): string => String(row.name);
const coded = (row: Row): string => `${String(row.code)} · ${String(row.name)}`;
const sources = {
  products: {path: 'products', id: 'product_id', label: (r: Row) => String(r.common_name)},
  categories: {path: 'products/categories', id: 'id', label: byName},
  families: {path: 'products/families', id: 'family_id', label: byName},
  states: {path: 'products/states', id: 'product_state_id', label: byName},
  sizes: {path: 'products/sizes', id: 'product_size_id', label: byName},
  packaging: {path: 'packaging/catalog', id: 'id', label: byName, paged: true},
  types: {path: 'packaging/types', id: 'id', label: byName},
  materials: {path: 'packaging/materials', id: 'id', label: byName},
  colours: {path: 'packaging/colors', id: 'id', label: byName},
  naves: {path: 'locations/warehouses', id: 'warehouse_id', label: byName},
  canteros: {path: 'locations/areas', id: 'storage_area_id', label: coded},
  claros: {path: 'locations/locations', id: 'storage_location_id', label: (r: Row) => String(r.code)},
  binTypes: {path: 'locations/bin-types', id: 'storage_bin_type_id', label: byName},
  users: {path: 'users', id: 'id', label: (r: Row) => `${String(r.first_name)} ${String(r.last_name)}`, paged: true},
} satisfies Record<string, Source>;
export type ListName = keyof typeof sources;

const KEEP_MS = 60000;
const kept = new Map<ListName, {at: number; options: Promise<Option[]>}>();

export function options(name: ListName): Promise<Option[]> {
  const old = kept.get(name);
  if (old && Date.now() - old.at < KEEP_MS) return old.options;
  const {path, id, label, paged} = sources[name] as Source;
  const asked = (paged ? everyPage<Row>(path) : everyRow<Row>(path)).then((rows) =>
    rows.map((row) => ({value: row[id] as number, label: label(row), row}))
      .sort((a, b) => a.label.localeCompare(b.label, undefined, {numeric: true})));
  kept.set(name, {at: Date.now(), options: asked});
  asked.catch(() => kept.delete(name));
  return asked;
}

/** A write may have changed what others choose from. */
export function forget(): void {
  kept.clear();
}

/** The options of a list, empty until they are here. */
export function useOptions(name: ListName | null): Option[] {
  const [found, set] = useState<Option[]>([]);
  useEffect(() => {
    if (!name) return undefined;
    let gone = false;
    options(name).then((all) => !gone && set(all), () => undefined);
    return () => void (gone = true);
  }, [name]);
  return found;
}

export type Names = Partial<Record<ListName, Map<number | string, Option>>>;

/** Names of rows by their ids, for tables. */
export function useNames(names: ListName[]): Names {
  const [found, set] = useState<Names>({});
  const id = names.join();
  useEffect(() => {
    let gone = false;
    for (const name of names)
      options(name).then((all) => !gone && set((old) => ({...old, [name]: new Map(all.map((o) => [o.value, o]))})),
        () => undefined);
    return () => void (gone = true);
  }, [id]);
  return found;
}

/** The query part of an address, without what is empty. */
export function query(values: Record<string, string | number | boolean | null | undefined>): string {
  const all = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    if (value !== null && value !== undefined && value !== '') all.set(name, String(value));
  const text = all.toString();
  return text ? `?${text}` : '';
}
