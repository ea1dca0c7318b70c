// SPDX-License-Identifier: Apache-2.0
// Rows by a table of columns: a table on desks, cards on phones, the same elements for both.
import type {ComponentChildren, JSX} from 'preact';
import {useState} from 'preact/hooks';
import {day, dayTime, money, named, number, percent, signed, t, type Key} from '../i18n';
import type {ListName, Names} from './lists';
import '../i18n/office';

export type Cell = 'text' | 'number' | 'signed' | 'money' | 'percent' | 'day' | 'moment' | 'yes' | 'named' | 'list' | 'swatch';

export interface Column<R> {
  key: Key;
  of: keyof R & string | ((row: R) => unknown);
  kind?: Cell;
  group?: string; // named(group, value)
  list?: ListName;
  digits?: number;
  tone?: (row: R) => 'good' | 'warn' | 'bad' | 'plain' | null;
  show?: (row: R) => ComponentChildren;
  desk?: boolean; // not on phones
  solid?: boolean; // never broken into lines
}

const figures = new Set<Cell>(['number', 'signed', 'money', 'percent']);

export function valueOf<R>(column: Column<R>, row: R): unknown {
  return typeof column.of === 'function' ? column.of(row) : row[column.of];
}

export function words<R>(column: Column<R>, row: R, names: Names): string {
  const value = valueOf(column, row);
  if (value === null || value === undefined || value === '') return column.kind === 'list' ? '' : '';
  switch (column.kind) {
    case 'number': return number(Number(value), column.digits ?? 0);
    case 'signed': return signed(Number(value));
    case 'money': return money(Number(value));
    case 'percent': return percent(Number(value) / 100, column.digits ?? 1);
    case 'day': return day(/^\d{4}-\d\d-\d\d$/.test(String(value)) ? `${String(value)}T12:00:00` : String(value));
    case 'moment': return dayTime(String(value));
    case 'yes': return t(value ? 'common.yes' : 'common.no');
    case 'named': return named(column.group ?? '', String(value));
    case 'list': return names[column.list as ListName]?.get(value as number)?.label ?? '…';
    default: return String(value);
  }
}

function CellBody<R>({column, row, names}: {column: Column<R>; row: R; names: Names}): JSX.Element {
  if (column.show) return <>{column.show(row)}</>;
  const text = words(column, row, names);
  if (column.kind === 'swatch') return <span class="row"><Swatch colour={String(valueOf(column, row) ?? '')} />{text}</span>;
  const tone = column.tone?.(row);
  return tone && text !== '' ? <span class={`badge ${tone}`}>{text}</span> : <>{text}</>;
}

export function Swatch({colour}: {colour: string}): JSX.Element {
  return <span class="swatch" aria-hidden="true" style={{background: colour}} />;
}

export interface Selection {
  chosen: Set<number | string>;
  set: (chosen: Set<number | string>) => void;
}

export function Table<R>({rows, columns, id, names = {}, onOpen, caption, selection, foot, current}: {
  rows: R[];
  columns: Column<R>[];
  id: (row: R) => number | string;
  names?: Names;
  onOpen?: ((row: R) => void) | undefined;
  caption: string;
  selection?: Selection | undefined;
  foot?: ComponentChildren;
  current?: number | string | null;
}): JSX.Element {
  const [order, setOrder] = useState<{key: string; down: boolean} | null>(null);
  const column = order && columns.find((c) => c.key === order.key);
  const sorted = column ? [...rows].sort((a, b) => {
    const [x, y] = [valueOf(column, a), valueOf(column, b)];
    const by = typeof x === 'number' && typeof y === 'number' ? x - y
      : words(column, a, names).localeCompare(words(column, b, names), undefined, {numeric: true});
    return order.down ? -by : by;
  }) : rows;
  const toggle = (row: R, on: boolean) => {
    const next = new Set(selection?.chosen);
    if (on) next.add(id(row));
    else next.delete(id(row));
    selection?.set(next);
  };
  return (
    <div class="sheetlike">
      <table role="table" class={`data ${selection ? 'selectable' : ''}`}>
        <caption class="visually-hidden">{caption}</caption>
        <thead role="rowgroup"><tr role="row">
          {selection && (
            <th role="columnheader" class="tick"><input type="checkbox" aria-label={t('table.all')}
              checked={rows.length > 0 && rows.every((r) => selection.chosen.has(id(r)))}
              onChange={(e) => selection.set(e.currentTarget.checked ? new Set([...selection.chosen, ...rows.map(id)]) : new Set())} /></th>
          )}
          {columns.map((c) => (
            <th key={c.key} role="columnheader" scope="col" class={`${c.kind && figures.has(c.kind) ? 'num' : ''} ${c.desk ? 'desk' : ''}`}
              aria-sort={order?.key === c.key ? (order.down ? 'descending' : 'ascending') : undefined}>
              <button class="head" onClick={() => setOrder((o) => ({key: c.key, down: o?.key === c.key ? !o.down : false}))}>
                {t(c.key)}<span aria-hidden="true">{order?.key === c.key ? (order.down ? ' ↓' : ' ↑') : ''}</span>
              </button>
            </th>
          ))}
        </tr></thead>
        <tbody role="rowgroup">
          {sorted.map((row) => (
            <tr key={id(row)} role="row" class={`${onOpen ? 'opens' : ''} ${current === id(row) ? 'current' : ''}`}
              onClick={onOpen && ((e) => !(e.target as Element).closest('a,button,input,label') && onOpen(row))}>
              {selection && (
                <td role="cell" class="tick"><input type="checkbox" checked={selection.chosen.has(id(row))}
                  aria-label={t('table.choose', {what: words(columns[0] as Column<R>, row, names)})}
                  onChange={(e) => toggle(row, e.currentTarget.checked)} /></td>
              )}
              {columns.map((c, i) => (
                <td key={c.key} role="cell" data-label={t(c.key)}
                  class={`${i === 0 ? 'first' : ''} ${c.kind && figures.has(c.kind) ? 'num' : ''} ${c.desk ? 'desk' : ''} ${c.solid ? 'solid' : ''} ${words(c, row, names) === '' ? 'blank' : ''}`}>
                  {i === 0 && onOpen
                    ? <button class="link" onClick={() => onOpen(row)}><CellBody column={c} row={row} names={names} /></button>
                    : <CellBody column={c} row={row} names={names} />}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        {foot && <tfoot role="rowgroup">{foot}</tfoot>}
      </table>
    </div>
  );
}
