// SPDX-License-Identifier: Apache-2.0
// Small parts that every screen uses.
import {type ComponentChildren, type JSX} from 'preact';
import {useCallback, useEffect, useRef, useState} from 'preact/hooks';
import {ApiError, picture} from '../api';
import {clock, t, type Key} from '../i18n';
import {wordsOf} from '../words';

/** What a screen has from the server: data (kept while it is asked again), error, and a way to ask. */
export interface Loaded<T> {
  data: T | null;
  error: ApiError | null;
  at: string | null;
  reload: () => void;
}

/** Ask once, and again when `keys` change or reload is called; the last answer stays in sight. */
export function useLoad<T>(ask: () => Promise<T>, keys: unknown[]): Loaded<T> {
  const [state, set] = useState<Omit<Loaded<T>, 'reload'>>({data: null, error: null, at: null});
  const turn = useRef(0);
  const reload = useCallback(() => {
    const mine = ++turn.current;
    ask().then(
      (data) => turn.current === mine && set({data, error: null, at: new Date().toISOString()}),
      (error: unknown) => {
        if (turn.current !== mine) return;
        const known = error instanceof ApiError ? error : new ApiError(-1, null);
        set((old) => ({...old, error: known}));
      });
  }, keys);
  useEffect(() => {
    reload();
    const again = () => document.visibilityState === 'visible' && reload();
    addEventListener('online', again);
    return () => {
      removeEventListener('online', again);
      turn.current++;
    };
  }, [reload]);
  return {...state, reload};
}

/** The words of an error: what happened, what to do, and the code to quote. */
export function ErrorCard({error, retry}: {error: ApiError; retry?: () => void}): JSX.Element {
  const [copied, setCopied] = useState(false);
  const code = error.problem?.correlation_id;
  const said = error.status >= 400 && error.status < 500;
  return (
    <div class={`notice ${error.offline ? '' : 'bad'}`} role="alert">
      <strong>{wordsOf(error)}</strong>
      {!said && <span>{error.offline ? t('error.offline.do') : t('error.server.do')}</span>}
      <div class="row wrap">
        {retry && <button onClick={retry}>{t('common.retry')}</button>}
        {code && (
          <button onClick={() => void navigator.clipboard.writeText(code).then(() => setCopied(true))}>
            {copied ? t('common.copied') : `${t('error.code')} ${code.slice(0, 8)}`}
          </button>
        )}
      </div>
    </div>
  );
}

/** Skeleton, error and data of one Loaded, in this order of need. */
export function Show<T>({from, children, rows = 2}: {
  from: Loaded<T>; children: (data: T) => ComponentChildren; rows?: number;
}): JSX.Element {
  return (
    <>
      {from.error && <ErrorCard error={from.error} retry={from.reload} />}
      {from.error && from.data && from.at && <p class="muted">{t('common.stale', {time: clock(from.at)})}</p>}
      {from.data !== null && children(from.data)}
      {from.data === null && !from.error && (
        <div aria-busy="true" aria-label={t('common.loading')} style={{display: 'grid', gap: '16px'}}>
          {Array.from({length: rows}, (_, i) => <div class="skeleton" key={i} />)}
        </div>
      )}
    </>
  );
}

export function Empty({text, children}: {text: string; children?: ComponentChildren}): JSX.Element {
  return <div class="empty"><p>{text}</p>{children}</div>;
}

export function Figure({name, value, note, tone, href}: {
  name: string; value: string; note?: string; tone?: 'up' | 'down'; href?: string;
}): JSX.Element {
  const inside = (
    <>
      <span class="muted">{name}</span>
      <strong>{value}</strong>
      {note && <span class={tone ?? 'muted'}>{note}</span>}
    </>
  );
  return href ? <a class="card figure" href={href} style={{textDecoration: 'none', color: 'inherit'}}>{inside}</a>
    : <div class="card figure">{inside}</div>;
}

/** A picture behind the token; grey while it loads and when there is none. */
export function Photo({path, alt, class: name = 'thumb'}: {path: string | null; alt: string; class?: string}): JSX.Element {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!path) return undefined;
    let gone = false;
    let made: string | null = null;
    picture(path).then((address) => {
      made = address;
      if (gone) URL.revokeObjectURL(address);
      else setUrl(address);
    }, () => undefined);
    return () => {
      gone = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [path]);
  return url ? <img class={name} src={url} alt={alt} loading="lazy" /> : <div class={name} role="img" aria-label={alt} />;
}

/** A line over values, without axes: which way it goes. */
export function Sparkline({values, label}: {values: number[]; label: string}): JSX.Element | null {
  if (values.length < 2) return null;
  const low = Math.min(...values);
  const high = Math.max(...values);
  const points = values.map((v, i) =>
    `${(i / (values.length - 1)) * 100},${30 - ((v - low) / (high - low || 1)) * 26 - 2}`).join(' ');
  return (
    <svg viewBox="0 0 100 30" width="100%" height="36" preserveAspectRatio="none" role="img" aria-label={label}>
      <polyline points={points} fill="none" stroke="var(--accent)" stroke-width="2" vector-effect="non-scaling-stroke" />
    </svg>
  );
}

const paths: Record<string, string> = {
  home: 'M4 11 12 4l8 7v9h-5v-6H9v6H4z',
  map: 'M9 4 3 6v14l6-2 6 2 6-2V4l-6 2-6-2zm0 0v14m6-12v14',
  gallery: 'M4 5h16v14H4zm0 10 5-5 5 5m-1-1 3-3 4 4',
  review: 'M4 6h16M4 12h9M4 18h7m5-2 2 2 4-5',
  stock: 'M4 8h16l-2 12H6zm4 0a4 4 0 0 1 8 0',
  prices: 'M12 3v18M16 7c-1-1.500-7-2-7 1.500S16 11.500 16 15s-7 3.500-8 1',
  jobs: 'M12 7v5l3 3M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z',
  outbox: 'M12 15V4m0 0L8 8m4-4 4 4M4 14v6h16v-6',
  camera: 'M4 8h4l2-3h4l2 3h4v11H4zm8 8.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7z',
  account: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-8 9c0-4 3.500-6 8-6s8 2 8 6',
  movements: 'M4 8h13l-3-3m3 11H4l3 3m13-6H7',
  closings: 'M5 4h14v16H5zm4 8 2 2 4-5M9 4v3h6V4',
  sales: 'M4 6h2l2 10h10l2-7H7m2 11h.010m8 0h.010',
  analytics: 'M4 20V4m0 16h16M8 16v-4m4 4V8m4 8v-6',
  downloads: 'M12 4v11m0 0 4-4m-4 4-4-4M4 20h16',
  config: 'M4 6h16M4 12h16M4 18h16M9 4v4m7 2v4M7 16v4',
  density: 'M6 6h.010M12 6h.010M18 6h.010M6 12h.010M12 12h.010M18 12h.010M6 18h.010M12 18h.010M18 18h.010',
  places: 'M12 21s7-6 7-11a7 7 0 0 0-14 0c0 5 7 11 7 11zm0-8a3 3 0 1 0 0-6 3 3 0 0 0 0 6',
  catalogue: 'M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zm0 13a3 3 0 0 1 3-3h11',
  labels: 'M4 4h6v6H4zm10 0h6v6h-6zM4 14h6v6H4zm10 0h2v2h-2zm4 4h2v2h-2z',
  imports: 'M12 15V4m0 0L8 8m4-4 4 4M4 14v6h16v-6',
  users: 'M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-7 9c0-4 3-6 7-6s7 2 7 6m1-17a4 4 0 0 1 0 8m5 9c0-3-1-5-4-6',
  models: 'M12 3l8 4.500v9L12 21l-8-4.500v-9zm0 9 8-4.500M12 12v9m0-9L4 7.500',
  settings: 'M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zm8-3-2-1 .500-2.500-2-2L14 7l-1-3h-2L10 7 7.500 6.500l-2 2L6 11l-2 1 2 1-.500 2.500 2 2L10 17l1 3h2l1-3 2.500.500 2-2L18 13z',
  audit: 'M6 3h9l4 4v14H6zm8 0v5h5M9 12h6m-6 4h6',
  system: 'M4 5h16v11H4zm5 15h6m-3-4v4',
  more: 'M5 12h.010M12 12h.010M19 12h.010',
  death: 'M12 21v-8m0 0c0-4-3-6-6-6 0 4 2 6 6 6zm3-9 5 5m0-5-5 5',
  plant: 'M12 21v-9m0 0c0-4-3-6-7-6 0 4 3 6 7 6zm0-2c0-4 3-6 7-6 0 4-3 6-7 6zM6 21h12',
  seed: 'M12 4v8m0 0 3-3m-3 3-3-3M5 16c2 2 4 2 7 2s5 0 7-2M5 20h14',
  tally: 'M6 5v14m4-14v14m4-14v14m4-14v14M3 16 21 8',
  month: 'M5 6h14v14H5zm0 4h14M9 3v5m6-5v5',
};

export function Icon({name}: {name: keyof typeof paths | string}): JSX.Element {
  return (
    <svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="1.8"
      stroke-linejoin="round" stroke-linecap="round" aria-hidden="true"><path d={paths[name] ?? ''} /></svg>
  );
}

export function Chips({options, value, onChange}: {
  options: [string, Key][]; value: string; onChange: (value: string) => void;
}): JSX.Element {
  return (
    <div class="chips" role="group">
      {options.map(([name, key]) => (
        <button key={name} aria-pressed={value === name} onClick={() => onChange(name)}>{t(key)}</button>
      ))}
    </div>
  );
}
