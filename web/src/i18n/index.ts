// SPDX-License-Identifier: Apache-2.0
// Texts and formats of the person's language. Spanish follows es-AR: 12.840,5 and 31/01/2026.
import {en} from './en';
import {es, type Key as CoreKey} from './es';
import type {OfficeKey} from './office.es';

export type Key = CoreKey | OfficeKey;
export type Language = 'es' | 'en';

const catalogues: Record<Language, Record<string, string>> = {es: {...es}, en: {...en}};
let language: Language = (localStorage.getItem('language') as Language | null) ?? 'es';
let locale = language === 'es' ? 'es-AR' : 'en-GB';
const listeners = new Set<() => void>();

/** Texts of screens that come later: their own files, so that a phone's first load stays small. */
export function extend(more: Record<Language, Record<string, string>>): void {
  Object.assign(catalogues.es, more.es);
  Object.assign(catalogues.en, more.en);
}

export const currentLanguage = (): Language => language;

export function setLanguage(next: Language): void {
  language = next;
  locale = next === 'es' ? 'es-AR' : 'en-GB';
  localStorage.setItem('language', next);
  document.documentElement.lang = next;
  formats.clear();
  listeners.forEach((listener) => listener());
}

export function onLanguage(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export type Values = Record<string, string | number>;

/** Whether a text of this name exists: for names that come from the server. */
export const isKey = (name: string): name is Key => name in catalogues.es;

export function t(key: Key, values: Values = {}): string {
  const one = `${key}_one`;
  const name = values.n === 1 && isKey(one) ? one : key;
  return (catalogues[language][name] ?? name).replace(/\{(\w+)\}/g, (_, field: string) => {
    const value = values[field];
    return value === undefined ? '' : typeof value === 'number' ? number(value) : value;
  });
}

/** The text of a name from the server ("status", "pending"); the name itself when it is new to us. */
export function named(group: string, name: string): string {
  const key = `${group}.${name}`;
  return isKey(key) ? t(key) : name;
}

const formats = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

function numberFormat(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const id = `n${JSON.stringify(options)}`;
  let format = formats.get(id) as Intl.NumberFormat | undefined;
  if (!format) formats.set(id, (format = new Intl.NumberFormat(locale, {useGrouping: true, ...options})));
  return format;
}

function dateFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const id = `d${JSON.stringify(options)}`;
  let format = formats.get(id) as Intl.DateTimeFormat | undefined;
  if (!format) formats.set(id, (format = new Intl.DateTimeFormat(locale, options)));
  return format;
}

export const number = (n: number, digits = 0): string =>
  numberFormat({maximumFractionDigits: digits, minimumFractionDigits: 0}).format(n);
/** What a person typed as a number, comma or point; null: not a number. In Spanish 1.284 is a thousand. */
export function parseNumber(text: string): number | null {
  let plain = text.replace(/[\s\u00a0$%]/g, '').replace('\u2212', '-');
  const last = Math.max(plain.lastIndexOf(','), plain.lastIndexOf('.'));
  if (last >= 0) {
    const mark = plain[last] as string;
    const mixed = plain.includes(',') && plain.includes('.');
    const thousands = !mixed && mark === (language === 'es' ? '.' : ',') && /^-?\d{1,3}([.,]\d{3})+$/.test(plain);
    plain = thousands ? plain.replace(/[.,]/g, '')
      : `${plain.slice(0, last).replace(/[.,]/g, '')}.${plain.slice(last + 1)}`;
  }
  return /^-?\d+(\.\d*)?$|^-?\.\d+$/.test(plain) ? Number(plain) : null;
}

export const signed = (n: number): string => numberFormat({signDisplay: 'exceptZero'}).format(n);
export const percent = (part: number, digits = 1): string =>
  `${numberFormat({maximumFractionDigits: digits}).format(part * 100)}\u00a0%`;

/** Money in minor units: "$ 1.050,00"; short: "$ 41,2 M". */
export function money(minor: number, short = false): string {
  const pesos = minor / 100;
  if (short && Math.abs(pesos) >= 1e6) return `$ ${number(pesos / 1e6, 1)} M`;
  return `$ ${numberFormat({minimumFractionDigits: short ? 0 : 2, maximumFractionDigits: short ? 0 : 2}).format(pesos)}`;
}

export const day = (iso: string): string =>
  dateFormat({day: '2-digit', month: '2-digit', year: 'numeric'}).format(new Date(iso));
export const dayTime = (iso: string): string => `${day(iso)} ${clock(iso)}`;
export const clock = (iso: string): string =>
  dateFormat({hour: '2-digit', minute: '2-digit', hour12: false}).format(new Date(iso));
export const monthName = (iso: string): string => dateFormat({month: 'short'}).format(new Date(iso));

/** "3 días", "2 h", "5 min": how long ago. */
export function since(iso: string, now = Date.now()): string {
  const minutes = Math.max(0, (now - new Date(iso).getTime()) / 60000);
  if (minutes < 60) return `${number(Math.round(minutes))} min`;
  if (minutes < 48 * 60) return `${number(Math.round(minutes / 60))} h`;
  return language === 'es' ? `${number(Math.round(minutes / 1440))} días` : `${number(Math.round(minutes / 1440))} days`;
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${number(Math.round(seconds))} s`;
  if (seconds < 5400) return `${number(Math.round(seconds / 60))} min`;
  return `${number(seconds / 3600, 1)} h`;
}

export function bytes(n: number): string {
  if (n < 1e6) return `${number(n / 1e3)} kB`;
  return n < 1e9 ? `${number(n / 1e6, 1)} MB` : `${number(n / 1e9, 1)} GB`;
}
