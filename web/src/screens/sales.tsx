// SPDX-License-Identifier: Apache-2.0
// The invoicing file against what the counts say was sold: checked first, then compared line by line.
// Nothing of it writes a movement.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {ApiError, get, send} from '../api';
import {dayTime, number, signed, t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import {handOver} from '../office/download';
import {FilePick} from '../office/filepick';
import type {Field, Values} from '../office/fields';
import {Form} from '../office/form';
import {RowsView, useRows} from '../office/resource';
import {Sheet} from '../office/sheet';
import {Table, type Column} from '../office/table';
import {go} from '../router';
import {say} from '../store';
import {Chips, ErrorCard, Figure, Show, useLoad} from '../ui/parts';
import '../i18n/office';

interface Check {
  upload_session_id: string; files_processed: number; rows_processed: number; rows_valid: number; rows_invalid: number; duplicates: number;
  errors: {file: string; line: number; column: string | null; issue: string; value: string | null}[]; totals: {product_sku: string; packaging_sku: string; quantity: number}[];
}
interface Import {
  id: string; month: string | null; file_names: string[]; row_count: number; bad_row_count: number; matched: number; mismatched: number;
  only_external: number; only_system: number; created_at: string;
}
interface Line {
  line_id: number; product_sku: string | null; packaging_sku: string | null; system_logged: number; system_calculated: number; external: number;
  difference: number; tolerance: number; result: string; resolution: string; cause: string | null; note: string | null;
}
const causes: [string, Key][] = ['theft', 'unrecorded_death', 'unrecorded_sale', 'count_error', 'csv_error', 'timing', 'other'].map((c) => [c, `cause.${c}` as Key]);
const resolutions: [string, Key][] = ['open', 'investigating', 'resolved', 'accepted'].map((r) => [r, `resolution.${r}` as Key]);
const errorColumns: Column<Check['errors'][number] & {n: number}>[] = [
  {key: 'sales.line', of: 'line', kind: 'number'}, {key: 'sales.issue', of: 'issue'}, {key: 'sales.value', of: 'value'}, {key: 'sales.column', of: 'column'}, {key: 'sales.file', of: 'file', desk: true}];
const lineColumns: Column<Line>[] = [
  {key: 'stock.product', of: 'product_sku', solid: true}, {key: 'prices.pot', of: 'packaging_sku', solid: true},
  {key: 'sales.system', of: (l) => l.system_logged + l.system_calculated, kind: 'number'}, {key: 'sales.external', of: 'external', kind: 'number'},
  {key: 'recon.difference', of: 'difference', kind: 'signed'}, {key: 'sales.tolerance', of: 'tolerance', kind: 'number', desk: true},
  {key: 'recon.outcome', of: 'result', kind: 'named', group: 'salesresult', tone: (l) => (l.result === 'match' ? 'good' : l.result === 'mismatch' ? 'bad' : 'warn')},
  {key: 'stock.state', of: (l) => (l.result === 'match' ? '' : l.resolution), kind: 'named', group: 'resolution', tone: (l) => (l.resolution === 'open' ? 'warn' : 'good')}];
const importColumns: Column<Import>[] = [
  {key: 'sales.file', of: (i) => i.file_names.join(', ')}, {key: 'nav.month', of: 'month'}, {key: 'audit.when', of: 'created_at', kind: 'moment'},
  {key: 'sales.rows', of: 'row_count', kind: 'number'}, {key: 'sales.bad', of: 'bad_row_count', kind: 'number', tone: (i) => (i.bad_row_count ? 'warn' : null)},
  {key: 'salesresult.match', of: 'matched', kind: 'number'}, {key: 'sales.differences', of: (i) => i.mismatched + i.only_external + i.only_system, kind: 'number'}];
const sample = 'product_sku,packaging_sku,quantity_sold,sale_date,invoice_number\r\nMAMMILLA-001,R5-TERRACOTA,12,2026-01-15,A-0001\r\n';

function Comparison({id}: {id: string}): JSX.Element {
  const found = useLoad(() => get<Import & {errors: Check['errors']; lines: Line[]}>(`stock/sales-imports/${id}`), [id]);
  const [only, setOnly] = useState('open');
  const [open, setOpen] = useState<Line | null>(null);
  return (
    <>
      <a href="#/sales">← {t('nav.sales')}</a>
      <Show from={found} rows={3}>
        {(r) => {
          const rows = r.lines.filter((l) => only === 'all' || (l.result !== 'match' && (only === 'differences' || l.resolution === 'open' || l.resolution === 'investigating')));
          return (
            <>
              <h1>{t('sales.of', {month: r.month ?? '–'})}</h1>
              <p class="muted">{r.file_names.join(', ')} · {dayTime(r.created_at)}</p>
              <div class="grid figures">
                <Figure name={t('salesresult.match')} value={number(r.matched)} />
                <Figure name={t('salesresult.mismatch')} value={number(r.mismatched)} />
                <Figure name={t('salesresult.only_external')} value={number(r.only_external)} />
                <Figure name={t('salesresult.only_system')} value={number(r.only_system)} />
              </div>
              {r.errors.length > 0 && (
                <details class="card"><summary>{t('sales.badrows', {n: r.errors.length})}</summary>
                  <Table rows={r.errors.map((e, n) => ({...e, n}))} columns={errorColumns} id={(e) => e.n} caption={t('sales.bad')} /></details>
              )}
              <Chips options={[['open', 'sales.show.open'], ['differences', 'sales.show.differences'], ['all', 'gallery.all']]} value={only} onChange={setOnly} />
              {rows.length === 0 ? <p class="empty">{t('sales.done')}</p>
                : <Table rows={rows} columns={lineColumns} id={(l) => l.line_id} caption={t('sales.differences')} onOpen={(l) => setOpen(l)} />}
              {open && (
                <Sheet title={`${open.product_sku ?? ''} ${open.packaging_sku ?? ''}`} onClose={() => setOpen(null)}>
                  <dl class="facts">
                    <dt>{t('month.logged')}</dt><dd>{number(open.system_logged)}</dd><dt>{t('month.calculated')}</dt><dd>{number(open.system_calculated)}</dd>
                    <dt>{t('sales.external')}</dt><dd>{number(open.external)}</dd><dt>{t('recon.difference')}</dt><dd>{signed(open.difference)}</dd>
                    <dt>{t('sales.tolerance')}</dt><dd>± {number(open.tolerance)}</dd>
                  </dl>
                  <Form id={`sale:${id}:${open.line_id}`} initial={open as unknown as Values} label="common.save" fields={[
                    {name: 'resolution', key: 'stock.state', kind: 'choice', choices: resolutions, need: true}, {name: 'cause', key: 'move.cause', kind: 'choice', choices: causes},
                    {name: 'note', key: 'move.notes', kind: 'area', max: 2000}]} submit={async (body) => {
                    await send('PATCH', `stock/sales-imports/${id}/lines/${open.line_id}`, body);
                    say(t('form.saved'));
                    setOpen(null);
                    found.reload();
                  }} />
                </Sheet>
              )}
            </>
          );
        }}
      </Show>
    </>
  );
}

export default function Sales({place}: ScreenProps): JSX.Element {
  const [files, setFiles] = useState<File[]>([]);
  const [check, setCheck] = useState<Check | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const past = useRows<Import>('stock/sales-imports', true);
  const id = place.path[1];
  if (id) return <Comparison key={id} id={id} />;
  const run = async (chosen: File[]) => {
    setFiles(chosen);
    setCheck(null);
    setError(null);
    if (chosen.length === 0) return;
    setBusy(true);
    const form = new FormData();
    chosen.forEach((f) => form.append('files', f));
    try {
      setCheck(await send<Check>('POST', 'analytics/sales-csv/validate', form));
    } catch (refused) {
      setError(refused instanceof ApiError ? refused : new ApiError(-1, null));
    }
    setBusy(false);
  };
  const month: Field = {name: 'month', key: 'nav.month', kind: 'month', need: true};
  const last = new Date(new Date().getFullYear(), new Date().getMonth() - 1, 15).toISOString().slice(0, 7);
  return (
    <>
      <div class="row between wrap">
        <h1>{t('nav.sales')}</h1>
        <button onClick={() => handOver(new Blob([sample], {type: 'text/csv'}), 'ventas.csv')}>{t('sales.sample')}</button>
      </div>
      <section class="card">
        <h2>{t('sales.load')}</h2>
        <FilePick label="sales.choose" accept=".csv,text/csv" files={files} onFiles={(f) => void run(f)} many />
        {busy && <p class="muted" aria-busy="true">{t('sales.checking')}</p>}
        {error && <ErrorCard error={error} />}
        {check && (
          <>
            <div class="grid figures">
              <Figure name={t('sales.good')} value={number(check.rows_valid)} />
              <Figure name={t('sales.bad')} value={number(check.rows_invalid)} />
              <Figure name={t('sales.repeated')} value={number(check.duplicates)} />
              <Figure name={t('stock.quantity')} value={number(check.totals.reduce((n, x) => n + x.quantity, 0))} />
            </div>
            {check.errors.length > 0 && <Table rows={check.errors.map((e, n) => ({...e, n}))} columns={errorColumns} id={(e) => e.n} caption={t('sales.bad')} />}
            {check.rows_valid > 0 && (
              <Form id="sales-import" fields={[month]} initial={{month: last}} label={check.rows_invalid > 0 ? 'sales.compare.good' : 'sales.compare'} submit={async (body) => {
                const form = new FormData();
                form.append('upload_session_id', check.upload_session_id);
                form.append('month', String(body.month));
                const made = await send<{id?: string}>('POST', 'stock/sales-imports', form);
                setFiles([]);
                setCheck(null);
                past.reload();
                if (made.id) go(`sales/${made.id}`);
              }} />
            )}
          </>
        )}
      </section>
      <h2>{t('sales.past')}</h2>
      <RowsView from={past} columns={importColumns} id={(i) => i.id} names={[]} onOpen={(i) => go(`sales/${i.id}`)} caption={t('sales.past')} empty={t('sales.empty')} />
    </>
  );
}
