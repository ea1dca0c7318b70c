// SPDX-License-Identifier: Apache-2.0
// Large files: asked for here, made in the background, kept for a day.
import type {JSX} from 'preact';
import {useEffect} from 'preact/hooks';
import {get, send} from '../api';
import {bytes, t, type Key} from '../i18n';
import {download} from '../office/download';
import type {Field} from '../office/fields';
import {Form} from '../office/form';
import {Table, type Column} from '../office/table';
import {Empty, Show, useLoad} from '../ui/parts';
import '../i18n/office';

interface Export {
  export_format: string; file_size: number | null; record_count: number; generated_at: string; job_id: string; status: string; report_type: string | null; expires_at: string | null;
}
const kinds: [string, Key][] = [['inventory', 'export.inventory'], ['movements', 'export.movements'], ['batches', 'export.batches']];
const dated = (v: Record<string, unknown>) => v.report_type === 'movements';
const fields: Field[] = [
  {name: 'report_type', key: 'export.kind', kind: 'choice', choices: kinds, need: true},
  {name: 'export_format', key: 'export.format', kind: 'choice', choices: [['csv', 'export.csv'], ['xlsx', 'export.xlsx'], ['json', 'export.json']], need: true},
  {name: 'warehouse_id', key: 'field.nave', kind: 'list', list: 'naves'}, {name: 'product_id', key: 'stock.product', kind: 'list', list: 'products'},
  {name: 'start_date', key: 'field.from', kind: 'day', when: dated}, {name: 'end_date', key: 'field.to', kind: 'day', when: dated}];
const EVERY_MS = 3000;

export default function Downloads(): JSX.Element {
  const list = useLoad(() => get<{items: Export[]}>('exports?per_page=100'), []);
  const going = list.data?.items.some((e) => e.status === 'pending' || e.status === 'processing') ?? false;
  useEffect(() => {
    if (!going) return undefined;
    const timer = setInterval(list.reload, EVERY_MS);
    return () => clearInterval(timer);
  }, [going, list.reload]);
  const columns: Column<Export>[] = [
    {key: 'export.kind', of: 'report_type', kind: 'named', group: 'export'}, {key: 'export.format', of: (e) => e.export_format.toUpperCase()},
    {key: 'stock.state', of: 'status', kind: 'named', group: 'status', tone: (e) => (e.status === 'completed' ? 'good' : e.status === 'failed' ? 'bad' : 'warn')},
    {key: 'sales.rows', of: 'record_count', kind: 'number'}, {key: 'export.size', of: (e) => (e.file_size === null ? '' : bytes(e.file_size))}, {key: 'export.until', of: 'expires_at', kind: 'moment'},
    {key: 'office.download', of: 'job_id', show: (e) => (e.status === 'completed'
      ? <button class="small" onClick={() => void download(`exports/${e.job_id}/file`, `demeter.${e.export_format}`)}>{t('office.download')}</button> : null)}];
  return (
    <>
      <h1>{t('nav.downloads')}</h1>
      <section class="card bulk">
        <Form id="export" fields={fields} initial={{report_type: 'inventory', export_format: 'xlsx'}} keep={fields.map((f) => f.name)} label="export.make" submit={async (body) => {
          await send('POST', 'analytics/export/large', body);
          list.reload();
        }} />
      </section>
      <Show from={list}>
        {({items}) => items.length === 0 ? <Empty text={t('export.empty')} /> : <Table rows={items} columns={columns} id={(e) => e.job_id} caption={t('nav.downloads')} />}
      </Show>
    </>
  );
}
