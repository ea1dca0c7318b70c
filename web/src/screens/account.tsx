// SPDX-License-Identifier: Apache-2.0
import type {JSX} from 'preact';
import {useEffect, useState} from 'preact/hooks';
import {signOut} from '../api';
import {bytes, currentLanguage, setLanguage, t, type Key, type Language} from '../i18n';
import type {ScreenProps} from '../main';
import {cache} from '../offline/database';
import {outbox} from '../offline/outbox';
import {me as person, setTheme, theme, useValue} from '../store';
import {Chips} from '../ui/parts';
import {NewPassword} from './doors';

const themes: [string, Key][] = [['auto', 'account.theme.auto'], ['light', 'account.theme.light'],
  ['dark', 'account.theme.dark'], ['sun', 'account.theme.sun']];

function Storage(): JSX.Element | null {
  const [state, set] = useState<{used: number; quota: number; safe: boolean} | null>(null);
  useEffect(() => {
    void (async () => {
      if (!('storage' in navigator)) return;
      const safe = (await navigator.storage.persisted()) || (await navigator.storage.persist());
      const {usage = 0, quota = 0} = await navigator.storage.estimate();
      set({used: usage, quota, safe});
    })();
  }, []);
  return state && (
    <section class="card">
      <h2>{t('account.storage')}</h2>
      <p>{t('account.storage.used', {used: bytes(state.used), quota: bytes(state.quota)})}</p>
      <p class={state.safe ? 'muted' : 'notice'}>{t(state.safe ? 'account.storage.persistent' : 'account.storage.volatile')}</p>
    </section>
  );
}

export default function Account({me}: ScreenProps): JSX.Element {
  const chosen = useValue(theme);
  const waiting = useValue(outbox).filter((item) => item.state !== 'sent').length;
  const leave = async () => {
    await cache('me', null);
    await signOut().catch(() => undefined);
    person.set(null);
  };
  return (
    <>
      <h1>{me.first_name} {me.last_name}</h1>
      <p class="muted">{me.email}</p>
      <section class="card">
        <h2>{t('account.theme')}</h2>
        <Chips options={themes} value={chosen} onChange={setTheme} />
        <h2>{t('account.language')}</h2>
        <div class="chips" role="group">
          {(['es', 'en'] as Language[]).map((language) => (
            <button key={language} lang={language} aria-pressed={currentLanguage() === language}
              onClick={() => setLanguage(language)}>{language === 'es' ? 'Español' : 'English'}</button>
          ))}
        </div>
      </section>
      <details class="card"><summary>{t('door.password.change')}</summary><NewPassword onDone={() => undefined} /></details>
      <Storage />
      {waiting > 0 && <p class="notice">{t('account.signout.unsent', {n: waiting})}</p>}
      <button class="danger field" onClick={() => void leave()}>{t('account.signout')}</button>
    </>
  );
}
