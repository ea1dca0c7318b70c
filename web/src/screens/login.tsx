// SPDX-License-Identifier: Apache-2.0
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {ApiError, signIn} from '../api';
import {t} from '../i18n';
import {cache} from '../offline/database';
import {outbox} from '../offline/outbox';
import {me, useValue} from '../store';

export function Login(): JSX.Element {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [shown, setShown] = useState(false);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const waiting = useValue(outbox).filter((item) => item.state !== 'sent').length;

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setFault(null);
    try {
      const person = await signIn(email.trim(), password);
      await cache('me', person);
      me.set(person);
    } catch (error) {
      const status = error instanceof ApiError ? error.status : -1;
      setFault(status === 0 ? t('login.offline') : status === 429 ? t('login.locked')
        : status === 401 || status === 422 ? t('login.bad') : t('error.server'));
    } finally {
      setBusy(false);
    }
  };

  return (
    <main class="welcome">
      <form class="card" onSubmit={(e) => void submit(e)}>
        <div class="row">
          <img src="icon.svg" alt="" />
          <div><h1>Demeter</h1><p class="muted">{t('login.motto')}</p></div>
        </div>
        <label class="input"><span>{t('login.email')}</span>
          <input type="email" autocomplete="username" required value={email}
            onInput={(e) => setEmail(e.currentTarget.value)} /></label>
        <label class="input"><span>{t('login.password')}</span>
          <div class="row">
            <input type={shown ? 'text' : 'password'} autocomplete="current-password" required value={password}
              onInput={(e) => setPassword(e.currentTarget.value)} />
            <button type="button" aria-pressed={shown} onClick={() => setShown(!shown)}>
              {t(shown ? 'login.hide' : 'login.show')}
            </button>
          </div></label>
        {fault && <p class="notice bad" role="alert">{fault}</p>}
        <button class="primary field" disabled={busy}>{t('login.submit')}</button>
        {waiting > 0 && <p class="muted">{t('login.waiting', {n: waiting})}</p>}
      </form>
    </main>
  );
}
