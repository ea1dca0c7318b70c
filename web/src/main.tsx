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

type Group = 'look' | 'sell' | 'prepare' | 'run';
export interface Row {
  name: string; // first part of the address
  key: Key;
  icon: string;
  group?: Group; // in which part of the bar it is; none: opened from elsewhere
  roles: Role[]; // who may open it
  wide?: boolean;
  load: () => Promise<{default: Screen}> | Screen;
}

const all: Role[] = ['viewer', 'worker', 'supervisor', 'admin'];
const office: Role[] = ['viewer', 'supervisor', 'admin'];
const field: Role[] = ['worker', 'supervisor', 'admin'];
const lead: Role[] = ['supervisor', 'admin'];
const chief: Role[] = ['admin'];
const rows: Row[] = [
  {name: 'home', key: 'nav.home', icon: 'home', group: 'look', roles: all, load: () => Home},
  {name: 'camera', key: 'nav.camera', icon: 'camera', group: 'look', roles: field, load: () => Camera},
  {name: 'review', key: 'nav.review', icon: 'review', group: 'look', roles: lead, load: () => import('./screens/review')},
  {name: 'map', key: 'nav.map', icon: 'map', group: 'look', roles: all, wide: true, load: () => import('./screens/map')},
  {name: 'gallery', key: 'nav.gallery', icon: 'gallery', group: 'look', roles: office, load: () => import('./screens/gallery')},
  {name: 'stock', key: 'nav.stock', icon: 'stock', group: 'look', roles: office, load: () => import('./screens/stock')},
  {name: 'movements', key: 'nav.movements', icon: 'movements', group: 'look', roles: all, load: () => import('./screens/movements')},
  {name: 'outbox', key: 'nav.outbox', icon: 'outbox', group: 'look', roles: ['worker'], load: () => Outbox},
  {name: 'closings', key: 'nav.closings', icon: 'closings', group: 'sell', roles: lead, load: () => import('./screens/closings')},
  {name: 'month', key: 'nav.month', icon: 'month', group: 'sell', roles: office, load: () => import('./screens/month')},
  {name: 'sales', key: 'nav.sales', icon: 'sales', group: 'sell', roles: lead, load: () => import('./screens/sales')},
  {name: 'prices', key: 'nav.prices', icon: 'prices', group: 'sell', roles: office, load: () => import('./screens/prices')},
  {name: 'analytics', key: 'nav.analytics', icon: 'analytics', group: 'sell', roles: all, load: () => import('./screens/analytics')},
  {name: 'downloads', key: 'nav.downloads', icon: 'downloads', group: 'sell', roles: office, load: () => import('./screens/downloads')},
  {name: 'config', key: 'nav.config', icon: 'config', group: 'prepare', roles: lead, load: () => import('./screens/config')},
  {name: 'density', key: 'nav.density', icon: 'density', group: 'prepare', roles: lead, load: () => import('./screens/density')},
  {name: 'places', key: 'nav.places', icon: 'places', group: 'prepare', roles: lead, load: () => import('./screens/places')},
  {name: 'catalogue', key: 'nav.catalogue', icon: 'catalogue', group: 'prepare', roles: office, load: () => import('./screens/catalogue')},
  {name: 'labels', key: 'nav.labels', icon: 'labels', group: 'prepare', roles: office, load: () => import('./screens/labels')},
  {name: 'imports', key: 'nav.imports', icon: 'imports', group: 'prepare', roles: chief, load: () => import('./screens/imports')},
  {name: 'jobs', key: 'nav.jobs', icon: 'jobs', group: 'run', roles: field, load: () => import('./screens/jobs')},
  {name: 'users', key: 'nav.users', icon: 'users', group: 'run', roles: chief, load: () => import('./screens/users')},
  {name: 'settings', key: 'nav.settings', icon: 'settings', group: 'run', roles: chief, load: () => import('./screens/settings')},
  {name: 'audit', key: 'nav.audit', icon: 'audit', group: 'run', roles: chief, load: () => import('./screens/audit')},
  {name: 'system', key: 'nav.system', icon: 'system', group: 'run', roles: chief, load: () => import('./screens/system')},
  {name: 'account', key: 'nav.account', icon: 'account', group: 'run', roles: all, load: () => import('./screens/account')},
  {name: 'more', key: 'nav.more', icon: 'more', roles: [], load: () => More},
  {name: 'claro', key: 'nav.map', icon: 'map', roles: [], load: () => import('./screens/claro')},
  {name: 'session', key: 'session.title', icon: 'gallery', roles: [], wide: true, load: () => import('./screens/session')},
];
const groups: Group[] = ['look', 'sell', 'prepare', 'run'];
const onPhone: Record<Role, string[]> = { // the other screens are one tap further, under "more"
  worker: ['home', 'camera', 'movements', 'outbox'],
  viewer: ['home', 'month', 'map', 'stock'],
  supervisor: ['home', 'review', 'camera', 'map'],
  admin: ['home', 'prices', 'map', 'stock'],
};

function Links({of, now}: {of: Row[]; now: string}): JSX.Element {
  return (
    <>
      {of.map((r) => (
        <a key={r.name} href={`#/${r.name}`} aria-current={r.name === now ? 'page' : undefined}>
          <Icon name={r.icon} /><span>{t(r.key)}</span>
        </a>
      ))}
    </>
  );
}

/** Every screen of a person by groups: what the bar of a phone has no place for. */
function More({me: person}: ScreenProps): JSX.Element {
  const mine = rows.filter((r) => r.roles.includes(person.role ?? 'viewer'));
  return (
    <>
      <h1>{t('nav.more')}</h1>
      {groups.filter((g) => mine.some((r) => r.group === g)).map((g) => (
        <section key={g} class="card tiles" aria-label={t(`nav.group.${g}`)}>
          <h2>{t(`nav.group.${g}`)}</h2>
          <div><Links of={mine.filter((r) => r.group === g)} now="more" /></div>
        </section>
      ))}
    </>
  );
}

const narrowScreen = matchMedia('(max-width: 959px)');

function useNarrow(): boolean {
  const [narrow, set] = useState(narrowScreen.matches);
  useEffect(() => {
    const changed = () => set(narrowScreen.matches);
    narrowScreen.addEventListener('change', changed);
    return () => narrowScreen.removeEventListener('change', changed);
  }, []);
  return narrow;
}

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
  const narrow = useNarrow();
  const short = onPhone[role].flatMap((n) => mine.filter((r) => r.name === n));
  const here = short.includes(row) ? row.name : 'more';
  const Body = loaded?.name === row.name ? loaded.screen : null;
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById('main')?.focus(); }}>
        {t('nav.skip')}
      </a>
      <nav class="bar" aria-label="Demeter">
        <span class="brand"><img src="icon.svg" alt="" />Demeter</span>
        {narrow ? <Links of={[...short, rows.find((r) => r.name === 'more') as Row]} now={here} />
          : groups.filter((g) => mine.some((r) => r.group === g)).map((g) => (
            <div class="group" role="group" key={g} aria-label={t(`nav.group.${g}`)}>
              {g !== 'look' && <span class="muted" aria-hidden="true">{t(`nav.group.${g}`)}</span>}
              <Links of={mine.filter((r) => r.group === g)} now={row.name} />
            </div>
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

/** What is opened by a link with a secret, or stands before everything else: comes in a piece of its own. */
function Door({name, onDone}: {name: string; onDone: () => void}): JSX.Element {
  const [Body, set] = useState<ComponentType<{name: string; onDone: () => void}> | null>(null);
  useEffect(() => void import('./screens/doors').then((m) => set(() => m.default)), []);
  return Body ? <Body name={name} onDone={onDone} /> : <div class="welcome" aria-busy="true"><img src="icon.svg" alt="Demeter" /></div>;
}

function App(): JSX.Element {
  const person = useValue(me);
  useValue(theme);
  const place = usePlace();
  const [ready, setReady] = useState(false);
  const [door, openDoor] = useState(() => /\/(setup|invite)$/.exec(location.pathname)?.[1] ?? null);
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
  if (door) return <Door name={door} onDone={() => { history.replaceState(null, '', './#/home'); openDoor(null); dispatchEvent(new Event('hashchange')); }} />;
  if (!ready) return <div class="welcome" aria-busy="true"><img src="icon.svg" alt="Demeter" /></div>;
  if (person?.must_change_password) return <Door name="password" onDone={() => me.set({...person, must_change_password: false})} />;
  return person ? <Frame person={person} place={place} /> : <Login />;
}

setTheme(theme.get());
document.documentElement.lang = currentLanguage();
render(<App />, document.getElementById('app') as HTMLElement);
watch();
if ('serviceWorker' in navigator && (isSecureContext || location.hostname === 'localhost'))
  void navigator.serviceWorker.register('service-worker.js').catch(() => undefined);
