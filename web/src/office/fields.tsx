// SPDX-License-Identifier: Apache-2.0
// One field of a form by its kind: what it shows, what it understands, and when it is wrong.
import type {JSX} from 'preact';
import {useEffect, useId, useRef, useState} from 'preact/hooks';
import {number, parseNumber, t, type Key} from '../i18n';
import {useOptions, type ListName, type Option} from './lists';

export type Kind = 'text' | 'area' | 'whole' | 'number' | 'money' | 'day' | 'moment' | 'month' | 'yes' | 'choice'
  | 'list' | 'colour' | 'password' | 'email' | 'json' | 'many';
export type Values = Record<string, unknown>;

export interface Field {
  name: string; // in the body
  key: Key;
  kind: Kind;
  need?: boolean;
  any?: boolean; // narrows something down: empty means all
  min?: number;
  max?: number;
  choices?: [string, Key][];
  list?: ListName;
  options?: Option[]; // in the place of a list of the server
  keep?: (row: Record<string, unknown>, values: Values) => boolean; // which rows of the list
  unit?: Key;
  help?: Key;
  when?: (values: Values) => boolean;
  once?: boolean; // only when it is made
  upper?: boolean;
}

/** A person's text as the body's value; undefined when it cannot be that. */
export function understood(field: Field, raw: unknown): unknown {
  if (raw === '' || raw === null || raw === undefined) return null;
  if (field.kind === 'yes' || field.kind === 'many' || field.kind === 'list') return raw;
  const text = String(raw);
  if (field.kind === 'whole' || field.kind === 'number' || field.kind === 'money') {
    const n = parseNumber(text);
    if (n === null || (field.kind === 'whole' && !Number.isInteger(n))) return undefined;
    return field.kind === 'money' ? Math.round(n * 100) : n;
  }
  if (field.kind === 'moment') return new Date(text).toISOString();
  if (field.kind === 'json') {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return undefined;
    }
  }
  return field.upper ? text.trim().toUpperCase() : field.kind === 'password' ? text : text.trim();
}

/** The body's value as text to type over. */
export function shown(field: Field, value: unknown): unknown {
  if (value === null || value === undefined) return field.kind === 'yes' ? false : field.kind === 'many' ? [] : '';
  if (field.kind === 'money') return number(Number(value) / 100, 2);
  if (field.kind === 'number' || field.kind === 'whole') return number(Number(value), 6);
  if (field.kind === 'json') return JSON.stringify(value);
  if (field.kind === 'moment') {
    const at = new Date(String(value));
    return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
  }
  return value;
}

/** Why a value may not go, in words. */
export function complaint(field: Field, raw: unknown): string | null {
  const value = understood(field, raw);
  if (value === undefined) return t(field.kind === 'whole' ? 'form.whole' : field.kind === 'json' ? 'form.json' : 'form.number');
  if (value === null || (Array.isArray(value) && value.length === 0)) return field.need ? t('form.need') : null;
  const size = typeof value === 'number' ? (field.kind === 'money' ? value / 100 : value)
    : typeof value === 'string' && field.kind !== 'list' ? value.length : null;
  if (size === null) return null;
  const words = typeof value === 'string';
  if (field.min !== undefined && size < field.min) return t(words ? 'form.short' : 'form.low', {n: field.min});
  if (field.max !== undefined && size > field.max) return t(words ? 'form.long' : 'form.high', {n: field.max});
  return null;
}

const fold = (text: string): string => text.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase();
const SHOWN = 40;

/** Choose by typing some letters, or with the arrows. */
function Combobox({all, value, onChange, describedBy, id, invalid}: {
  all: Option[]; value: unknown; onChange: (value: number | string | null) => void; describedBy: string | undefined; id: string; invalid: boolean;
}): JSX.Element {
  const [text, setText] = useState<string | null>(null);
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const chosen = all.find((o) => o.value === value);
  const words = fold(text ?? '').split(/\s+/);
  const hits = text === null ? [] : all.filter((o) => words.every((w) => fold(o.label).includes(w))).slice(0, SHOWN);
  const pick = (option: Option | undefined) => {
    if (option) onChange(option.value);
    setText(null);
  };
  const key = (e: KeyboardEvent) => {
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      if (text === null) setText('');
      else setAt((n) => Math.max(0, Math.min(hits.length - 1, n + (e.key === 'ArrowDown' ? 1 : -1))));
    } else if (e.key === 'Enter' && text !== null) {
      e.preventDefault();
      pick(hits[at]);
    } else if (e.key === 'Escape' && text !== null) {
      e.preventDefault();
      e.stopPropagation();
      setText(null);
    }
  };
  useEffect(() => list.current?.children[at]?.scrollIntoView({block: 'nearest'}), [at, text]);
  return (
    <span class="combobox">
      <input id={id} type="text" role="combobox" autocomplete="off" aria-expanded={text !== null} aria-controls={`${id}-list`}
        aria-autocomplete="list" aria-activedescendant={hits[at] ? `${id}-${at}` : undefined} aria-describedby={describedBy}
        aria-invalid={invalid} value={text ?? chosen?.label ?? ''} placeholder={t('form.search')}
        onFocus={(e) => e.currentTarget.select()} onClick={() => setText((now) => now ?? '')}
        onInput={(e) => {
          setAt(0);
          setText(e.currentTarget.value);
          if (e.currentTarget.value === '') onChange(null);
        }}
        onKeyDown={key} onBlur={() => setText(null)} />
      <ul id={`${id}-list`} role="listbox" ref={list} hidden={text === null} aria-label={t('form.search')}>
        {hits.map((o, i) => (
          <li key={o.value} id={`${id}-${i}`} role="option" aria-selected={i === at}
            onMouseDown={(e) => { e.preventDefault(); pick(o); }}>{o.label}</li>
        ))}
        {text !== null && hits.length === 0 && <li role="option" aria-disabled="true" aria-selected={false} class="muted">{t('common.none')}</li>}
      </ul>
    </span>
  );
}

const FEW = 9;

function ListInput(props: {field: Field; values: Values; id: string; describedBy: string | undefined; invalid: boolean; empty: Key; onChange: (value: unknown) => void}): JSX.Element {
  const {field, values, id, onChange, describedBy, invalid} = props;
  const asked = useOptions(field.list ?? null);
  const every = field.options ?? asked;
  const all = field.keep ? every.filter((o) => field.keep?.(o.row, values)) : every;
  const value = values[field.name];
  if (all.length > FEW) return <Combobox all={all} value={value} onChange={onChange} describedBy={describedBy} id={id} invalid={invalid} />;
  return (
    <select id={id} value={value === null || value === undefined ? '' : String(value)} aria-describedby={describedBy} aria-invalid={invalid}
      onChange={(e) => onChange(all.find((o) => String(o.value) === e.currentTarget.value)?.value ?? '')}>
      <option value="">{t(props.empty)}</option>
      {all.map((o) => <option key={o.value} value={String(o.value)}>{o.label}</option>)}
    </select>
  );
}

const types: Partial<Record<Kind, string>> = {day: 'date', moment: 'datetime-local', month: 'month', colour: 'color', password: 'password', email: 'email'};

export function FieldInput({field, values, fault, onChange, filter = field.any ?? false}: {
  field: Field; values: Values; fault: string | null; onChange: (value: unknown) => void; filter?: boolean;
}): JSX.Element {
  const empty: Key = filter ? 'form.any' : field.need ? 'form.choose' : 'form.none';
  const id = useId();
  const raw = values[field.name];
  const value = understood(field, raw);
  const numeric = field.kind === 'whole' || field.kind === 'number' || field.kind === 'money';
  const said = numeric && typeof value === 'number' && /[.,]/.test(String(raw))
    ? number(field.kind === 'money' ? value / 100 : value, 6) : null;
  const note = fault ?? (said !== null && said !== String(raw) ? `= ${said}` : field.help ? t(field.help) : null);
  const noteId = note ? `${id}-note` : undefined;
  const common = {id, 'aria-describedby': noteId, 'aria-invalid': fault !== null};
  const label = `${t(field.key)}${field.unit ? ` (${t(field.unit)})` : ''}`;
  if (field.kind === 'yes') {
    return (
      <label class="check">
        <input type="checkbox" {...common} checked={Boolean(raw)} onChange={(e) => onChange(e.currentTarget.checked)} />
        <span>{label}</span>
        {note && <span id={noteId} class={fault ? 'fault' : 'muted'}>{note}</span>}
      </label>
    );
  }
  if (field.kind === 'many') {
    const chosen = (raw ?? []) as string[];
    return (
      <fieldset class="many">
        <legend>{label}</legend>
        <div class="row wrap">
          {field.choices?.map(([name, key]) => (
            <label class="check" key={name}>
              <input type="checkbox" checked={chosen.includes(name)}
                onChange={(e) => onChange(e.currentTarget.checked ? [...chosen, name] : chosen.filter((c) => c !== name))} />
              <span>{t(key)}</span>
            </label>
          ))}
        </div>
        {note && <span class={fault ? 'fault' : 'muted'}>{note}</span>}
      </fieldset>
    );
  }
  return (
    <div class="input">
      <label for={id}>{label}{!field.need && !filter && <span class="muted"> · {t('form.optional')}</span>}</label>
      {field.kind === 'list' ? (
        <ListInput field={field} values={values} id={id} describedBy={noteId} invalid={fault !== null} empty={empty} onChange={onChange} />
      ) : field.kind === 'choice' ? (
        <select {...common} value={String(raw ?? '')} onChange={(e) => onChange(e.currentTarget.value)}>
          {(!field.need || raw === '' || raw === null || raw === undefined) && <option value="">{t(empty)}</option>}
          {field.choices?.map(([name, key]) => <option key={name} value={name}>{t(key)}</option>)}
        </select>
      ) : field.kind === 'area' || field.kind === 'json' ? (
        <textarea {...common} rows={field.kind === 'json' ? 4 : 2} value={String(raw ?? '')} onInput={(e) => onChange(e.currentTarget.value)} />
      ) : (
        <input {...common} type={types[field.kind] ?? 'text'} inputMode={numeric ? 'decimal' : undefined} autocomplete={field.kind === 'password' ? 'new-password' : 'off'}
          value={String(raw ?? '')} onInput={(e) => onChange(e.currentTarget.value)} />
      )}
      {note && <span id={noteId} class={fault ? 'fault' : 'muted'}>{note}</span>}
    </div>
  );
}
