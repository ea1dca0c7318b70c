// SPDX-License-Identifier: Apache-2.0
// Ways in that need no account yet, or stand before it: the first set-up, an invitation, a new password
// in the place of a temporary one.
import type {JSX} from 'preact';
import {useEffect, useState} from 'preact/hooks';
import {enter, get, request, send, type Me} from '../api';
import {t, type Key} from '../i18n';
import {cache} from '../offline/database';
import type {Field, Values} from '../office/fields';
import {Form} from '../office/form';
import {me, say} from '../store';
import {Icon, Show, useLoad} from '../ui/parts';
import '../i18n/office';

const names: Field[] = [{name: 'first_name', key: 'field.firstname', kind: 'text', need: true, min: 1, max: 100}, {name: 'last_name', key: 'field.lastname', kind: 'text', need: true, min: 1, max: 100},
  {name: 'email', key: 'login.email', kind: 'email', need: true, min: 3, max: 255}];
const password: Field = {name: 'password', key: 'login.password', kind: 'password', need: true, min: 12, max: 72, help: 'door.password.help'};

async function welcome(person: Me): Promise<void> {
  await cache('me', person);
  me.set(person);
}

function Head({title, text}: {title: Key; text?: Key}): JSX.Element {
  return (
    <div class="row"><img src="icon.svg" alt="" /><div><h1>{t(title)}</h1>{text && <p class="muted">{t(text)}</p>}</div></div>
  );
}

function Account({secret, onDone}: {secret: string; onDone: () => void}): JSX.Element {
  const [state, setState] = useState<'asking' | 'valid' | 'old' | 'done'>('asking');
  useEffect(() => {
    request('api/v1/setup', {headers: {'X-Setup-Token': secret}}).then((r) => r.json() as Promise<{valid: boolean}>)
      .then((s) => setState(s.valid ? 'valid' : 'old'), (error: {status?: number}) => setState(error.status === 410 ? 'done' : 'old'));
  }, []);
  if (state === 'asking') return <div class="skeleton" aria-busy="true" />;
  if (state === 'done') return <><p class="notice">{t('door.setup.done')}</p><a class="button primary field" href="./">{t('login.submit')}</a></>;
  if (state === 'old') return <p class="notice bad" role="alert"><strong>{t('door.setup.old')}</strong><code class="secret">demeter user setup-link</code></p>;
  return <Form id="setup" fields={[...names, password]} label="door.setup.create" submit={async (body) => {
    await welcome(await enter('setup', {...body, token: secret}));
    onDone();
  }} />;
}

interface System {
  models: {name: string; version: string}[];
}

function Setup({secret, onDone}: {secret: string; onDone: () => void}): JSX.Element {
  const [step, setStep] = useState(1);
  const steps: Key[] = ['door.step.account', 'door.step.nursery', 'door.step.places', 'door.step.models'];
  const go = (to: string) => {
    onDone();
    location.hash = `#/${to}`;
  };
  return (
    <main class="welcome">
      <div class="card door">
        <Head title="door.setup" />
        <ol class="steps">{steps.map((key, i) => <li key={key} aria-current={step === i + 1 ? 'step' : undefined}>{t(key)}</li>)}</ol>
        {step === 1 && <Account secret={secret} onDone={() => setStep(2)} />}
        {step === 2 && <Nursery onDone={() => setStep(3)} />}
        {step === 3 && (
          <>
            <p>{t('door.places.text')}</p>
            <button class="primary field" onClick={() => go('imports')}><Icon name="imports" />{t('places.import')}</button>
            <button class="field" onClick={() => setStep(4)}>{t('door.later')}</button>
          </>
        )}
        {step === 4 && <Models onDone={() => go('home')} />}
      </div>
    </main>
  );
}

function Nursery({onDone}: {onDone: () => void}): JSX.Element {
  const now = useLoad(() => get<Values>('admin/settings'), []);
  const fields: Field[] = [{name: 'timezone', key: 'setting.timezone', kind: 'text', need: true, help: 'setting.timezone.help'}, {name: 'currency', key: 'setting.currency', kind: 'text', need: true, upper: true, min: 3, max: 3}];
  return (
    <Show from={now} rows={1}>{(values) => (
      <>
        <Form id="setup-nursery" fields={fields} label="door.next" initial={{...values, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || values.timezone}} submit={async (body) => {
          await send('PATCH', 'admin/settings', body);
          onDone();
        }} />
        <button class="field" onClick={onDone}>{t('door.later')}</button>
      </>
    )}</Show>
  );
}

function Models({onDone}: {onDone: () => void}): JSX.Element {
  const system = useLoad(() => get<System>('admin/system'), []);
  return (
    <>
      <Show from={system} rows={1}>{({models}) => (models.length === 0 ? <p>{t('system.nomodels')}</p>
        : <ul class="list">{models.map((m) => <li key={m.name}><div class="line"><strong>{m.name}</strong><span class="muted">{m.version}</span></div></li>)}</ul>)}</Show>
      <button class="primary field" onClick={onDone}>{t('door.start')}</button>
    </>
  );
}

/** The secret is read once and taken out of the address: nobody reads it over a shoulder or in a history. */
function secretOf(): string {
  const secret = location.hash.slice(1);
  history.replaceState(null, '', location.pathname);
  return secret;
}

export default function Door({name, onDone}: {name: string; onDone: () => void}): JSX.Element {
  const [secret] = useState(() => (name === 'password' ? '' : secretOf()));
  if (name === 'setup') return <Setup secret={secret} onDone={onDone} />;
  return (
    <main class="welcome">
      <div class="card door">
        <Head title={name === 'invite' ? 'door.invite' : 'door.password'} text={name === 'invite' ? 'door.invite.text' : 'door.password.text'} />
        {name === 'invite' ? (
          <Form id="invite" fields={[password]} label="login.submit" submit={async (body) => {
            await welcome(await enter('auth/accept-invite', {...body, token: secret}));
            onDone();
          }} />
        ) : <NewPassword onDone={onDone} />}
      </div>
    </main>
  );
}

export function NewPassword({onDone}: {onDone: () => void}): JSX.Element {
  return (
    <Form id="password" fields={[{name: 'current_password', key: 'door.password.now', kind: 'password', need: true}, {...password, name: 'new_password', key: 'door.password.new'}]} label="common.save"
      submit={async (body) => {
        await send('POST', 'auth/change-password', body);
        const person = me.get();
        if (person) await enter('auth/login', {email: person.email, password: body.new_password});
        say(t('form.saved'));
        onDone();
      }} />
  );
}
