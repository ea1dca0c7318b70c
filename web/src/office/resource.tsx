// SPDX-License-Identifier: Apache-2.0
// A list that can be searched, filtered, taken along as a file, and kept: one table of columns, one of
// fields. Every master list of the office is this screen with other tables.
import type {ComponentChildren, JSX} from 'preact';
import {useCallback, useEffect, useState} from 'preact/hooks';
import {ApiError, send} from '../api';
import {t, type Key} from '../i18n';
import {setQuery, type Place} from '../router';
import {say} from '../store';
import {Empty, ErrorCard} from '../ui/parts';
import {wordsOf} from '../words';
import {Downloads} from './download';
import {FieldInput, type Field, type Values} from './fields';
import {Form} from './form';
import {forget, page, query, useNames, type ListName} from './lists';
import {Sheet} from './sheet';
import {Table, type Column, type Selection} from './table';

const STEP = 100;

export interface Rows<R> {
  rows: R[] | null;
  total: number;
  error: ApiError | null;
  reload: () => void;
  more: () => void;
}

/** Rows of a list, some at a time; `paged`: by page and per_page, else by skip and limit. */
export function useRows<R>(path: string, paged: boolean): Rows<R> {
  const [state, set] = useState<{rows: R[] | null; total: number; error: ApiError | null}>({rows: null, total: 0, error: null});
  const ask = useCallback((have: number) => {
    const mark = path.includes('?') ? '&' : '?';
    const part = paged ? `page=${Math.floor(have / STEP) + 1}&per_page=${STEP}` : `skip=${have}&limit=${STEP}`;
    let gone = false;
    page<R>(path + mark + part).then(
      ({rows, total}) => !gone && set((old) => ({rows: have ? [...(old.rows ?? []), ...rows] : rows, total, error: null})),
      (error: unknown) => !gone && set((old) => ({...old, error: error instanceof ApiError ? error : new ApiError(-1, null)})));
    return () => void (gone = true);
  }, [path, paged]);
  useEffect(() => {
    set({rows: null, total: 0, error: null}); // rows of another filter would be taken for these
    return ask(0);
  }, [ask]);
  return {...state, reload: () => void ask(0), more: () => void ask(state.rows?.length ?? 0)};
}

/** Skeleton, error, empty state, rows and "more" of a list. */
export function RowsView<R>({from, columns, id, names, onOpen, caption, empty, selection, children}: {
  from: Rows<R>; columns: Column<R>[]; id: (row: R) => number | string; names: ListName[];
  onOpen?: ((row: R) => void) | undefined; caption: string; empty: string; selection?: Selection | undefined; children?: ComponentChildren;
}): JSX.Element {
  const known = useNames(names);
  return (
    <>
      {from.error && <ErrorCard error={from.error} retry={from.reload} />}
      {from.rows === null && !from.error && <div class="skeleton tall" aria-busy="true" aria-label={t('common.loading')} />}
      {from.rows?.length === 0 && <Empty text={empty}>{children}</Empty>}
      {from.rows && from.rows.length > 0 && (
        <>
          <Table rows={from.rows} columns={columns} id={id} names={known} onOpen={onOpen} caption={caption} selection={selection} />
          <div class="row between wrap">
            <span class="muted">{t('table.count', {n: from.rows.length, total: from.total})}</span>
            {from.rows.length < from.total && <button onClick={from.more}>{t('gallery.more')}</button>}
          </div>
        </>
      )}
    </>
  );
}

export interface Resource<R> {
  name: string;
  title: Key;
  one: Key; // "Nuevo producto"
  path: string;
  item?: string; // path of one row, where it is not below that of the list
  id: keyof R & string;
  paged?: boolean;
  search?: boolean;
  filters?: Field[];
  columns: Column<R>[];
  names?: ListName[];
  fields: Field[];
  remove?: Key;
  exports?: string; // path with {} for the format
  formats?: string[];
  empty: Key;
  detail?: (row: R) => ComponentChildren;
  defaults?: Values;
  made?: (row: R) => ComponentChildren | null; // to show once after it was made
  fixed?: boolean; // can be made and removed, not edited
}

const narrow = matchMedia('(max-width: 719px)');

/** Filters and search of the address as a form that writes the address; folded on phones. */
export function Filters({place, fields, search, defaults = {}}: {
  place: Place; fields: Field[]; search?: boolean | undefined; defaults?: Record<string, string>;
}): JSX.Element {
  const q = place.query.get('q') ?? '';
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  const values = Object.fromEntries(fields.map((f) => {
    const raw = place.query.get(f.name) ?? defaults[f.name] ?? '';
    return [f.name, f.kind === 'list' && raw !== '' ? Number(raw) : raw];
  }));
  const active = fields.filter((f) => place.query.get(f.name)).length;
  return (
    <form class="filters" role="search" onSubmit={(e) => e.preventDefault()}>
      {search && (
        <div class="input">
          <label for="filter-q">{t('common.search')}</label>
          <input id="filter-q" type="search" value={text} onInput={(e) => setText(e.currentTarget.value)}
            onKeyDown={(e) => { // several fields and no button: a browser would not send the form by itself
              if (e.key !== 'Enter') return;
              e.preventDefault();
              setQuery({q: e.currentTarget.value.trim()});
            }} onBlur={() => text.trim() !== q && setQuery({q: text.trim()})} />
        </div>
      )}
      {fields.length > 0 && (
        <details class="filterbox" open={!narrow.matches || active > 0}>
          <summary>{active > 0 ? t('table.filters.n', {n: active}) : t('table.filters')}</summary>
          <div class="filters">
            {fields.map((f) => (
              <FieldInput key={f.name} field={defaults[f.name] === undefined ? f : {...f, need: true}} values={values} fault={null} filter={defaults[f.name] === undefined}
                onChange={(value) => setQuery({[f.name]: value === null || value === undefined ? null : String(value)})} />
            ))}
            {(q !== '' || active > 0) && <button type="button" onClick={() => setQuery({q: null, ...Object.fromEntries(fields.map((f) => [f.name, null]))})}>{t('gallery.clear')}</button>}
          </div>
        </details>
      )}
    </form>
  );
}

export function ResourceScreen<R extends object>({spec, place, write, head = true, children}: {
  spec: Resource<R>; place: Place; write: boolean; head?: boolean; children?: ComponentChildren;
}): JSX.Element {
  const filters = spec.filters ?? [];
  const asked = query({q: spec.search ? place.query.get('q') : null, ...Object.fromEntries(filters.map((f) => [f.name, place.query.get(f.name)]))});
  const list = useRows<R>(spec.path + asked, spec.paged ?? false);
  const [open, setOpen] = useState<R | 'new' | null>(null);
  const [told, setTold] = useState<ComponentChildren | null>(null);
  const id = (row: R): number | string => row[spec.id] as number | string;
  const done = (text: Key) => {
    forget();
    list.reload();
    setOpen(null);
    say(t(text));
  };
  const save = async (body: Values) => {
    if (open === 'new') {
      const made = await send<R>('POST', spec.path, {...spec.defaults, ...body});
      done('form.saved');
      const told = spec.made?.(made);
      if (told) setTold(told);
    } else if (open) {
      await send('PATCH', `${spec.item ?? spec.path}/${id(open)}`, body);
      done('form.saved');
    }
  };
  const remove = (row: R) => {
    send('DELETE', `${spec.item ?? spec.path}/${id(row)}`).then(() => done('form.removed'), (error: unknown) => say(wordsOf(error)));
  };
  const now = open === 'new' ? {} : (open ?? {}) as Values;
  const fields = open === 'new' ? spec.fields : spec.fields.filter((f) => !f.once);
  const editable = write && (open === 'new' || !spec.fixed) && fields.length > 0;
  return (
    <>
      <div class="row between wrap">
        {head ? <h1>{t(spec.title)}</h1> : <h2>{t(spec.title)}</h2>}
        <div class="row wrap">
          {spec.exports && <Downloads path={spec.exports + asked} name={spec.name} {...(spec.formats ? {formats: spec.formats} : {})} />}
          {children}
          {write && spec.fields.length > 0 && <button class="primary" onClick={() => setOpen('new')}>{t(spec.one)}</button>}
        </div>
      </div>
      {(spec.search || filters.length > 0) && <Filters place={place} fields={filters} search={spec.search} />}
      <RowsView from={list} columns={spec.columns} id={id} names={spec.names ?? []} caption={t(spec.title)} empty={t(spec.empty)}
        onOpen={write || spec.detail ? setOpen : undefined} />
      {open && (
        <Sheet title={open === 'new' ? t(spec.one) : t(spec.title)} onClose={() => setOpen(null)}>
          {open !== 'new' && spec.detail?.(open)}
          {editable && (
            <Form id={`${spec.name}:${open === 'new' ? 'new' : id(open)}`} fields={fields} initial={open === 'new' ? spec.defaults ?? {} : now} submit={save} label="common.save" />
          )}
          {write && open !== 'new' && spec.remove && <button class="danger" onClick={() => remove(open)}>{t(spec.remove)}</button>}
        </Sheet>
      )}
      {told !== null && <Sheet title={t('form.saved')} onClose={() => setTold(null)}>{told}</Sheet>}
    </>
  );
}
