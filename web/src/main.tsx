// SPDX-License-Identifier: Apache-2.0
// The page: who is signed in decides the home and the bar; other screens come in pieces of their own.
import {render, type ComponentType, type JSX} from 'preact';
import {useEffect, useState} from 'preact/hooks';
import {onSignedOut, whoami, ApiError, type Me, type Role} from './api';
import {currentLanguage, onLanguage, t, type Key} from './i18n';
import {cache, cached} from './offline/database';
import {watch} from './offline/outbox';
import {usePlace, type Place} from './router';
import {Home} from './screens/home';
import {Login} from './screens/login';
import {Outbox} from './screens/outbox';
import {Camera} from './screens/camera';
import {me, setTheme, theme, toast, useValue} from './store';
import {Icon} from './ui/parts';
import './theme.css';

export interface ScreenProps {
  place: Place;
  me: Me;
}
type Screen = ComponentType<ScreenProps>;

interface Row {
  name: string; // first part of the address
  key: Key;
  icon: string;
  roles: Role[]; // in whose bar it is
  wide?: boolean;
  load: () => Promise<{default: Screen}> | Screen;
}

const all: Role[] = ['viewer', 'worker', 'supervisor', 'admin'];
const office: Role[] = ['viewer', 'supervisor', 'admin'];
const rows: Row[] = [
  {name: 'home', key: 'nav.home', icon: 'home', roles: all, load: () => Home},
  {name: 'camera', key: 'nav.camera', icon: 'camera', roles: ['worker', 'supervisor', 'admin'], load: () => Camera},
  {name: 'map', key: 'nav.map', icon: 'map', roles: all, wide: true, load: () => import('./screens/map')},
  {name: 'gallery', key: 'nav.gallery', icon: 'gallery', roles: office, load: () => import('./screens/gallery')},
  {name: 'stock', key: 'nav.stock', icon: 'stock', roles: office, load: () => import('./screens/stock')},
  {name: 'prices', key: 'nav.prices', icon: 'prices', roles: office, load: () => import('./screens/prices')},
  {name: 'jobs', key: 'nav.jobs', icon: 'jobs', roles: ['supervisor', 'admin'], load: () => import('./screens/jobs')},
  {name: 'outbox', key: 'nav.outbox', icon: 'outbox', roles: ['worker'], load: () => Outbox},
  {name: 'account', key: 'nav.account', icon: 'account', roles: all, load: () => import('./screens/account')},
  {name: 'claro', key: 'nav.map', icon: 'map', roles: [], load: () => import('./screens/claro')},
  {name: 'session', key: 'session.title', icon: 'gallery', roles: [], wide: true, load: () => import('./screens/session')},
];
const PHONE_BAR = 5;

function Frame({person, place}: {person: Me; place: Place}): JSX.Element {
  const name = place.path[0] ?? 'home';
  const row = rows.find((r) => r.name === name) ?? (rows[0] as Row);
  const [loaded, setLoaded] = useState<{name: string; screen: Screen} | null>(null);
  useEffect(() => {
    let gone = false;
    const found = row.load();
    if (found instanceof Promise) void found.then((m) => !gone && setLoaded({name: row.name, screen: m.default}));
    else setLoaded({name: row.name, screen: found});
    document.title = `${t(row.key)} · Demeter`;
    return () => void (gone = true);
  }, [row.name]);
  const role = person.role ?? 'viewer';
  const mine = rows.filter((r) => r.roles.includes(role));
  const narrow = matchMedia('(max-width: 959px)').matches;
  const bar = narrow && mine.length > PHONE_BAR
    ? [...mine.slice(0, PHONE_BAR - 1), mine[mine.length - 1] as Row] : mine;
  const Body = loaded?.name === row.name ? loaded.screen : null;
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById('main')?.focus(); }}>
        {t('nav.skip')}
      </a>
      <nav class="bar" aria-label="Demeter">
        <span class="brand"><img src="icon.svg" alt="" />Demeter</span>
        {bar.map((r) => (
          <a key={r.name} href={`#/${r.name}`} aria-current={r.name === row.name ? 'page' : undefined}>
            <Icon name={r.icon} /><span>{t(r.key)}</span>
          </a>
        ))}
      </nav>
      <main id="main" tabIndex={-1} class={row.wide ? 'wide' : ''}>
        {Body ? <Body place={place} me={person} /> : <div class="skeleton" aria-busy="true" />}
      </main>
      <ToastLine />
    </div>
  );
}

function ToastLine(): JSX.Element | null {
  const now = useValue(toast);
  return now && (
    <div class="toast" role="status">
      <span>{now.text}</span>
      {now.undo && <button onClick={() => { now.undo?.(); toast.set(null); }}>{t('common.undo')}</button>}
    </div>
  );
}

function App(): JSX.Element {
  const person = useValue(me);
  useValue(theme);
  const place = usePlace();
  const [ready, setReady] = useState(false);
  const [, speak] = useState(0);
  useEffect(() => onLanguage(() => speak((n) => n + 1)), []);
  useEffect(() => onSignedOut(() => me.set(null)), []);
  useEffect(() => {
    whoami().then(
      (who) => {
        me.set(who);
        if (who) void cache('me', who);
      },
      // No network: the last person may go on shooting; nothing can be read from the server.
      async (error: unknown) => {
        if (error instanceof ApiError && error.offline) me.set((await cached<Me>('me')) ?? null);
      }).finally(() => setReady(true));
  }, []);
  if (!ready) return <div class="welcome" aria-busy="true"><img src="icon.svg" alt="Demeter" /></div>;
  return person ? <Frame person={person} place={place} /> : <Login />;
}

setTheme(theme.get());
document.documentElement.lang = currentLanguage();
render(<App />, document.getElementById('app') as HTMLElement);
watch();
if ('serviceWorker' in navigator && (isSecureContext || location.hostname === 'localhost'))
  void navigator.serviceWorker.register('service-worker.js').catch(() => undefined);
