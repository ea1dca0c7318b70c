// SPDX-License-Identifier: Apache-2.0
// Who did what, when and from where, with what was there before.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {dayTime, named, t} from '../i18n';
import type {ScreenProps} from '../main';
import type {Field} from '../office/fields';
import {Filters, RowsView, useRows} from '../office/resource';
import {query} from '../office/lists';
import {Sheet} from '../office/sheet';
import type {Column} from '../office/table';
import '../i18n/office';

interface Entry {
  id: number;
  timestamp: string;
  user_email: string | null;
  action: string;
  entity_type: string | null;
  entity_id: string | null;
  changes: {old: Record<string, unknown> | null; new: Record<string, unknown> | null};
  correlation_id: string | null;
  remote_address: string | null;
}
const filters: Field[] = [{name: 'user_id', key: 'audit.who', kind: 'list', list: 'users'}, {name: 'entity_type', key: 'audit.what', kind: 'text'},
  {name: 'action', key: 'audit.action', kind: 'text'}, {name: 'date_from', key: 'field.from', kind: 'day'}, {name: 'date_to', key: 'field.to', kind: 'day'}];
const columns: Column<Entry>[] = [
  {key: 'audit.action', of: 'action', kind: 'named', group: 'action'}, {key: 'audit.when', of: 'timestamp', kind: 'moment'}, {key: 'audit.who', of: (e) => e.user_email ?? t('audit.system')},
  {key: 'audit.what', of: (e) => (e.entity_type ? `${named('entity', e.entity_type)} ${e.entity_id ?? ''}` : '')}, {key: 'audit.where', of: 'remote_address', desk: true}];

function Change({entry}: {entry: Entry}): JSX.Element {
  const [before, after] = [entry.changes.old ?? {}, entry.changes.new ?? {}];
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const text = (v: unknown) => (v === undefined || v === null ? '–' : typeof v === 'object' ? JSON.stringify(v) : String(v));
  return (
    <>
      <p>{dayTime(entry.timestamp)} · {entry.user_email ?? t('audit.system')}</p>
      <p class="muted">{entry.remote_address} · {entry.correlation_id}</p>
      {fields.length === 0 ? <p class="muted">{t('audit.nochange')}</p> : (
        <table>
          <thead><tr><th>{t('audit.field')}</th><th>{t('audit.before')}</th><th>{t('audit.after')}</th></tr></thead>
          <tbody>{fields.map((f) => <tr key={f}><td>{f}</td><td class="wrapped">{text(before[f])}</td><td class="wrapped"><strong>{text(after[f])}</strong></td></tr>)}</tbody>
        </table>
      )}
    </>
  );
}

export default function Audit({place}: ScreenProps): JSX.Element {
  const [open, setOpen] = useState<Entry | null>(null);
  const list = useRows<Entry>(`admin/audit-log${query(Object.fromEntries(filters.map((f) => [f.name, place.query.get(f.name)])))}`, true);
  return (
    <>
      <h1>{t('nav.audit')}</h1>
      <Filters place={place} fields={filters} />
      <RowsView from={list} columns={columns} id={(e) => e.id} names={[]} onOpen={setOpen} caption={t('nav.audit')} empty={t('audit.empty')} />
      {open && <Sheet title={`${named('action', open.action)} ${open.entity_type ? named('entity', open.entity_type) : ''}`} onClose={() => setOpen(null)}><Change entry={open} /></Sheet>}
    </>
  );
}
