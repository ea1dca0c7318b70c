// SPDX-License-Identifier: Apache-2.0
// A form from a table of fields. Keeps what was typed through faults, sign-out and reload; puts what
// the server refuses beside the field it names.
import type {ComponentChildren, JSX} from 'preact';
import {useEffect, useState} from 'preact/hooks';
import {ApiError} from '../api';
import {t, type Key} from '../i18n';
import {ErrorCard} from '../ui/parts';
import {complaint, FieldInput, shown, understood, type Field, type Values} from './fields';
import '../i18n/office';

const draftName = (id: string): string => `draft:${id}`;

function draft(id: string): Values | null {
  try {
    return JSON.parse(sessionStorage.getItem(draftName(id)) ?? 'null') as Values | null;
  } catch {
    return null;
  }
}

/** Which fields the server named, and its words for each. */
export function namedFaults(error: ApiError): Record<string, string> {
  const detail = error.problem?.detail;
  const found: Record<string, string> = {};
  if (Array.isArray(detail)) for (const item of detail) found[String(item.loc[item.loc.length - 1])] = item.msg;
  const field = error.problem?.details?.field;
  if (typeof field === 'string') found[field] ??= error.problem?.error ?? '';
  return found;
}

/** The body of what is typed: nulls only where something was cleared. */
export function body(fields: Field[], values: Values, before: Values = {}): Values {
  const out: Values = {};
  for (const field of fields) {
    if (field.when && !field.when(values)) continue;
    const value = understood(field, values[field.name]);
    if (value === null && (before[field.name] === null || before[field.name] === undefined)) continue;
    out[field.name] = value;
  }
  return out;
}

export function Form({id, fields, initial = {}, submit, label, children, onChange, danger, keep = [], onRefused}: {
  id: string;
  fields: Field[];
  initial?: Values;
  submit: (body: Values, values: Values) => Promise<void>;
  label: Key;
  children?: ComponentChildren | ((values: Values) => ComponentChildren);
  onChange?: (values: Values, set: (more: Values) => void) => void;
  danger?: boolean;
  keep?: string[]; // fields that stay filled when the rest is empty again after saving
  onRefused?: (error: ApiError, set: (more: Values) => void) => void;
}): JSX.Element {
  const start = (): Values => ({...Object.fromEntries(fields.map((f) => [f.name, shown(f, initial[f.name])])), ...draft(id)});
  const [values, setValues] = useState<Values>(start);
  const [faults, setFaults] = useState<Record<string, string>>({});
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const visible = fields.filter((f) => !f.when || f.when(values));
  const set = (more: Values) => setValues((old) => {
    const next = {...old, ...more};
    const secret = fields.some((f) => f.kind === 'password');
    if (!secret) sessionStorage.setItem(draftName(id), JSON.stringify(next));
    return next;
  });
  useEffect(() => onChange?.(values, set), [JSON.stringify(values)]);
  const send = async (event: Event) => {
    event.preventDefault();
    const wrong = Object.fromEntries(visible.map((f) => [f.name, complaint(f, values[f.name])]).filter(([, why]) => why));
    setFaults(wrong as Record<string, string>);
    setError(null);
    if (Object.keys(wrong).length > 0) {
      (event.currentTarget as HTMLElement | null)?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
      return;
    }
    setBusy(true);
    try {
      await submit(body(fields, values, initial), values);
      sessionStorage.removeItem(draftName(id));
      setValues((old) => ({...start(), ...Object.fromEntries(keep.map((name) => [name, old[name]]))}));
    } catch (refused) {
      const known = refused instanceof ApiError ? refused : new ApiError(-1, null);
      onRefused?.(known, set);
      const about = namedFaults(known);
      setFaults(about);
      if (!visible.some((f) => about[f.name])) setError(known);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="form" noValidate onSubmit={(e) => void send(e)}>
      {visible.map((field) => (
        <FieldInput key={field.name} field={field} values={values} fault={faults[field.name] ?? null}
          onChange={(value) => set({[field.name]: value})} />
      ))}
      {typeof children === 'function' ? children(values) : children}
      {error && <ErrorCard error={error} />}
      <button type="submit" class={`${danger ? 'danger' : 'primary'} field`} disabled={busy}>{busy ? t('form.busy') : t(label)}</button>
    </form>
  );
}
