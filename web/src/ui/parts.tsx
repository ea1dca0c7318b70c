// SPDX-License-Identifier: Apache-2.0
// Small parts that every screen uses.
import {type ComponentChildren, type JSX} from 'preact';
import {useCallback, useEffect, useRef, useState} from 'preact/hooks';
import {ApiError, picture} from '../api';
import {clock, t, type Key} from '../i18n';

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
  const said = error.status >= 400 && error.status < 500 ? error.problem?.error : null;
  return (
    <div class={`notice ${error.offline ? '' : 'bad'}`} role="alert">
      <strong>{error.offline ? t('error.offline') : said ?? t('error.server')}</strong>
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
