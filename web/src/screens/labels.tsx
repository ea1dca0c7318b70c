// SPDX-License-Identifier: Apache-2.0
// Sheets of labels to print, seen to scale before; a code can also be typed to test it.
import type {JSX} from 'preact';
import {useEffect, useState} from 'preact/hooks';
import {get, request, send} from '../api';
import {t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import {download} from '../office/download';
import {FieldInput, type Field, type Values} from '../office/fields';
import {everyRow, query} from '../office/lists';
import {Table, type Column} from '../office/table';
import {go} from '../router';
import {say} from '../store';
import {Empty, Show, useLoad} from '../ui/parts';
import {wordsOf} from '../words';
import '../i18n/office';

interface Claro {
  storage_location_id: number; code: string; name: string; qr_code: string | null;
}
const layouts: [string, Key][] = [['a4-24', 'label.a4-24'], ['a4-65', 'label.a4-65'], ['single', 'label.single']];
const grids: Record<string, {columns: number; rows: number}> = {'a4-24': {columns: 3, rows: 8}, 'a4-65': {columns: 5, rows: 13}, single: {columns: 1, rows: 1}};
const fields: Field[] = [
  {name: 'warehouse_id', key: 'field.nave', kind: 'list', list: 'naves', need: true},
  {name: 'area_id', key: 'field.cantero', kind: 'list', list: 'canteros', keep: (row, v) => !v.warehouse_id || row.warehouse_id === v.warehouse_id},
  {name: 'layout', key: 'label.layout', kind: 'choice', choices: layouts, need: true},
  {name: 'content', key: 'label.content', kind: 'choice', choices: [['code', 'label.code'], ['url', 'label.url']], need: true, help: 'label.content.help'}];

function Sample({id}: {id: number}): JSX.Element | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    let made: string | null = null;
    let gone = false;
    request(`api/v1/locations/locations/${id}/qr.svg`).then((r) => r.blob()).then((b) => {
      made = URL.createObjectURL(b);
      if (!gone) setUrl(made);
    }, () => undefined);
    return () => {
      gone = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [id]);
  return url ? <img src={url} alt="" /> : null;
}

export default function Labels({me}: ScreenProps): JSX.Element {
  const [values, setValues] = useState<Values>({layout: 'a4-24', content: 'code'});
  const [chosen, setChosen] = useState(new Set<number | string>());
  const [busy, setBusy] = useState(false);
  const [code, setCode] = useState('');
  const place = values.area_id ? {storage_area_id: Number(values.area_id)} : values.warehouse_id ? {warehouse_id: Number(values.warehouse_id)} : null;
  const claros = useLoad(async () => (place ? everyRow<Claro>(`locations/locations${query(place)}`) : null), [JSON.stringify(place)]);
  useEffect(() => setChosen(new Set((claros.data ?? []).filter((c) => c.qr_code).map((c) => c.storage_location_id))), [claros.data]);
  const grid = grids[String(values.layout)] ?? {columns: 3, rows: 8};
  const per = grid.columns * grid.rows;
  const all = claros.data ?? [];
  const picked = all.filter((c) => chosen.has(c.storage_location_id));
  const print = async () => {
    setBusy(true);
    const whole = picked.length === all.length && place;
    const where = whole ? (values.area_id ? {area_id: Number(values.area_id)} : {warehouse_id: Number(values.warehouse_id)}) : {location_ids: picked.map((c) => c.storage_location_id).join()};
    await download(`locations/qr-labels.pdf${query({...where, layout: String(values.layout), content: String(values.content)})}`, 'etiquetas.pdf');
    setBusy(false);
  };
  const find = async (e: Event) => {
    e.preventDefault();
    try {
      const found = await get<{location: {storage_location_id: number}}>(`locations/qr/${encodeURIComponent(code.trim().toUpperCase())}`);
      go(`claro/${found.location.storage_location_id}`);
    } catch (error) {
      say(wordsOf(error));
    }
  };
  const give = (c: Claro) => void send('POST', `locations/locations/${c.storage_location_id}/qr`, {}).then(claros.reload, (error: unknown) => say(wordsOf(error)));
  const columns: Column<Claro>[] = [{key: 'field.code', of: 'code', solid: true}, {key: 'field.name', of: 'name'}, {key: 'field.qr', of: (c) => c.qr_code ?? '-',
    show: (c) => c.qr_code ?? (me.role === 'viewer' ? t('label.none') : <button class="small" onClick={() => give(c)}>{t('label.give')}</button>)}];
  return (
    <>
      <h1>{t('nav.labels')}</h1>
      <form class="row wrap test" onSubmit={(e) => void find(e)}>
        <div class="input"><label for="label-code">{t('label.test')}</label>
          <input id="label-code" value={code} autocomplete="off" autocapitalize="characters" placeholder="LOC000001" onInput={(e) => setCode(e.currentTarget.value)} /></div>
        <button disabled={code.trim().length < 8}>{t('label.open')}</button>
      </form>
      <div class="split">
        <section class="card">
          <div class="form two">
            {fields.map((f) => <FieldInput key={f.name} field={f} values={values} fault={null}
              onChange={(value) => setValues({...values, [f.name]: value, ...(f.name === 'warehouse_id' ? {area_id: ''} : {})})} />)}
            <button class="primary field" disabled={picked.length === 0 || busy} onClick={() => void print()}>
              {busy ? t('form.busy') : t('label.print', {n: picked.length, sheets: Math.ceil(picked.length / per)})}</button>
          </div>
          {place ? <Show from={claros}>{(rows) => (rows?.length ? <Table rows={rows} columns={columns} id={(c) => c.storage_location_id} caption={t('places.claros')} selection={{chosen, set: setChosen}} /> : <Empty text={t('common.none')} />)}</Show>
            : <Empty text={t('label.empty')} />}
        </section>
        {picked.length > 0 && (
          <figure class="sheet-preview" aria-label={t('label.preview')}>
            <div class={`paper ${String(values.layout)}`}>
              {picked.slice(0, per).map((c, i) => (
                <div key={c.storage_location_id}>{i < 24 ? <Sample id={c.storage_location_id} /> : <i />}<span>{c.code}</span></div>
              ))}
            </div>
            <figcaption class="muted">{t('label.preview')}</figcaption>
          </figure>
        )}
      </div>
    </>
  );
}
