// SPDX-License-Identifier: Apache-2.0
// Map, catalogue, prices and stock from files: first only looked at, row by row, then loaded, and
// undone as a whole.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {ApiError, get, send} from '../api';
import {named, number, t, type Key} from '../i18n';
import {download, handOver} from '../office/download';
import {FilePick} from '../office/filepick';
import type {Field, Values} from '../office/fields';
import {Form} from '../office/form';
import {forget} from '../office/lists';
import {RowsView, useRows} from '../office/resource';
import {Sheet} from '../office/sheet';
import {Table, type Column} from '../office/table';
import {say} from '../store';
import {Chips, Figure, Show, useLoad} from '../ui/parts';
import {wordsOf} from '../words';
import '../i18n/office';

interface ReportRow {
  line: number; action: string; key: string | null; code: string | null; column: string | null; message: string | null;
}
interface Report {
  import_id: string; kind: string; dry_run: boolean; total: number; created: number; updated: number; skipped: number; failed: number; rows: ReportRow[]; duration_ms: number;
}
interface Past {
  import_id: string; kind: string; file_name: string | null; created: number; updated: number; skipped: number; failed: number; undone_at: string | null; created_at: string;
}
const kinds: [string, Key][] = ['map', 'price_list', 'product_categories', 'product_families', 'products', 'packaging', 'density_params', 'stock', 'locations'].map((k) => [k, `import.${k}` as Key]);
const csv = (v: Values) => v.kind !== 'map';
const fields: Field[] = [
  {name: 'kind', key: 'import.kind', kind: 'choice', choices: kinds, need: true},
  {name: 'mode', key: 'import.mode', kind: 'choice', choices: [['skip', 'import.skip'], ['upsert', 'import.upsert']], need: true},
  {name: 'delimiter', key: 'import.delimiter', kind: 'choice', choices: [['auto', 'import.auto'], [',', 'import.comma'], [';', 'import.semicolon']], need: true, when: csv},
  {name: 'encoding', key: 'import.encoding', kind: 'choice', choices: [['auto', 'import.auto'], ['utf-8', 'import.utf8'], ['latin-1', 'import.latin1']], need: true, when: csv},
  {name: 'mapping', key: 'import.mapping', kind: 'json', help: 'import.mapping.help', when: csv},
  {name: 'level', key: 'import.level', kind: 'choice', choices: [['auto', 'import.auto'], ['warehouse', 'places.naves'], ['area', 'places.canteros'], ['location', 'places.claros']], need: true, when: (v) => !csv(v)}];
const rowColumns: Column<ReportRow & {n: number}>[] = [
  {key: 'import.key', of: 'key'}, {key: 'sales.line', of: 'line', kind: 'number'},
  {key: 'recon.outcome', of: 'action', kind: 'named', group: 'importaction', tone: (r) => (r.action === 'error' ? 'bad' : r.action === 'create' ? 'good' : r.action === 'update' ? 'warn' : 'plain')},
  {key: 'sales.issue', of: 'message'}, {key: 'sales.column', of: 'column', desk: true}];
const pastColumns: Column<Past>[] = [
  {key: 'import.kind', of: 'kind', kind: 'named', group: 'import'}, {key: 'sales.file', of: 'file_name'}, {key: 'audit.when', of: 'created_at', kind: 'moment'},
  {key: 'importaction.create', of: 'created', kind: 'number'}, {key: 'importaction.update', of: 'updated', kind: 'number'}, {key: 'importaction.error', of: 'failed', kind: 'number', tone: (p) => (p.failed ? 'bad' : null)},
  {key: 'stock.state', of: (p) => (p.undone_at ? 'undone' : 'loaded'), kind: 'named', group: 'importstate', tone: (p) => (p.undone_at ? 'plain' : 'good')}];
const POLL_MS = 1000;

/** A file of many rows is a job: its report comes with it. */
async function finished(reply: Report | {job_id: string}): Promise<Report> {
  if (!('job_id' in reply)) return reply;
  for (;;) {
    const job = await get<{status: string; result: Report | null; error: {message: string} | null}>(`jobs/${reply.job_id}`);
    if (job.status === 'completed' && job.result) return job.result;
    if (job.status === 'failed' || job.status === 'cancelled') throw new ApiError(400, {detail: '', error: job.error?.message ?? job.status, code: '', rule: null, details: null, correlation_id: ''});
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

function Rows({report}: {report: Report}): JSX.Element {
  const [only, setOnly] = useState(report.failed > 0 ? 'error' : 'all');
  const rows = report.rows.map((r, n) => ({...r, n})).filter((r) => only === 'all' || r.action === only);
  const errors = () => handOver(new Blob([report.rows.filter((r) => r.action === 'error').map((r) =>
    [r.line, r.key, r.column, r.message].map((v) => `"${String(v ?? '').replace(/"/g, '""')}"`).join(',')).join('\r\n')], {type: 'text/csv'}), 'errores.csv');
  return (
    <>
      <div class="grid figures">
        <Figure name={t('importaction.create')} value={number(report.created)} /><Figure name={t('importaction.update')} value={number(report.updated)} />
        <Figure name={t('importaction.skip')} value={number(report.skipped)} /><Figure name={t('importaction.error')} value={number(report.failed)} />
      </div>
      {report.rows.length > 0 && (
        <>
          <div class="row between wrap">
            <Chips value={only} onChange={setOnly} options={[['all', 'gallery.all'], ['create', 'importaction.create'], ['update', 'importaction.update'], ['skip', 'importaction.skip'], ['error', 'importaction.error']]} />
            {report.failed > 0 && <button onClick={errors}>{t('import.errors')}</button>}
          </div>
          <Table rows={rows.slice(0, 300)} columns={rowColumns} id={(r) => r.n} caption={t('import.report')} />
        </>
      )}
    </>
  );
}

export default function Imports(): JSX.Element {
  const [files, setFiles] = useState<File[]>([]);
  const [report, setReport] = useState<Report | null>(null);
  const [asked, setAsked] = useState<Values | null>(null);
  const [busy, setBusy] = useState(false);
  const [open, setOpen] = useState<Past | null>(null);
  const past = useRows<Past>('imports', true);
  const run = async ({kind, ...rest}: Values, dry: boolean) => {
    const file = files[0];
    if (!file) throw new ApiError(400, {detail: '', error: t('import.nofile'), code: '', rule: null, details: null, correlation_id: ''});
    const form = new FormData();
    form.append('file', file);
    form.append('dry_run', String(dry));
    if (kind !== 'map') form.append('kind', String(kind));
    for (const [name, value] of Object.entries(rest)) if (value !== null && value !== undefined) form.append(name, typeof value === 'object' ? JSON.stringify(value) : String(value));
    const done = await finished(await send<Report | {job_id: string}>('POST', kind === 'map' ? 'imports/geojson' : 'imports/csv', form));
    setAsked({kind, ...rest});
    setReport(done);
  };
  const load = async () => {
    if (!asked) return;
    setBusy(true);
    try {
      await run(asked, false);
      forget();
      past.reload();
      say(t('import.done'));
    } catch (error) {
      say(wordsOf(error));
    }
    setBusy(false);
  };
  const undo = async (p: Past) => {
    try {
      const done = await send<{undone_rows: number}>('POST', `imports/${p.import_id}/undo`);
      forget();
      say(t('import.undone', {n: done.undone_rows}));
      setOpen(null);
      past.reload();
    } catch (error) {
      say(wordsOf(error));
    }
  };
  const full = useLoad(async () => (open ? get<Report>(`imports/${open.import_id}`) : null), [open?.import_id]);
  return (
    <>
      <h1>{t('nav.imports')}</h1>
      <section class="card">
        <FilePick label="import.choose" accept=".csv,.json,.geojson,text/csv,application/geo+json" files={files} onFiles={(f) => { setFiles(f.slice(0, 1)); setReport(null); }} />
        <div class="bulk">
          <Form id="import" fields={fields} initial={{kind: 'price_list', mode: 'skip', delimiter: 'auto', encoding: 'auto', level: 'auto'}} keep={fields.map((f) => f.name)} label="import.look" submit={(body) => run(body, true)}>
            {(values) => (values.kind === 'map' ? null : <p class="full"><button type="button" onClick={() => void download(`imports/templates/${String(values.kind)}.csv`, `${String(values.kind)}.csv`)}>{t('import.template')}</button></p>)}
          </Form>
        </div>
      </section>
      {report && (
        <section class="card" aria-live="polite">
          <h2>{t(report.dry_run ? 'import.dry' : 'import.loaded')}</h2>
          {report.dry_run && (
            <div class="row wrap">
              <button class="primary field" disabled={busy || report.created + report.updated === 0} onClick={() => void load()}>{busy ? t('form.busy') : t(report.failed > 0 ? 'import.loadgood' : 'import.load')}</button>
              {report.created + report.updated === 0 && <span class="muted">{t('import.nothing')}</span>}
            </div>
          )}
          <Rows key={report.import_id} report={report} />
        </section>
      )}
      <h2>{t('import.past')}</h2>
      <RowsView from={past} columns={pastColumns} id={(p) => p.import_id} names={[]} onOpen={setOpen} caption={t('import.past')} empty={t('import.empty')} />
      {open && (
        <Sheet title={`${named('import', open.kind)} · ${open.file_name ?? ''}`} onClose={() => setOpen(null)} wide>
          {!open.undone_at && <div class="row"><button class="danger field" onClick={() => void undo(open)}>{t('import.undo')}</button></div>}
          <Show from={full}>{(r) => (r ? <Rows report={r} /> : null)}</Show>
        </Sheet>
      )}
    </>
  );
}
