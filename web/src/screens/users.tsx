// SPDX-License-Identifier: Apache-2.0
// People and their roles; keys for programs; addresses that are told what happens.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {send} from '../api';
import {dayTime, t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import {Secret} from '../office/secret';
import {wordsOf} from '../words';
import {ResourceScreen, type Resource} from '../office/resource';
import {Tabs} from '../office/tabs';
import {say} from '../store';
import '../i18n/office';

type R = Record<string, unknown>;
const roles: [string, Key][] = [['viewer', 'role.viewer'], ['worker', 'role.worker'], ['supervisor', 'role.supervisor'], ['admin', 'role.admin']];
const scopes: [string, Key][] = [['read', 'scope.read'], ['photos', 'scope.photos'], ['stock', 'scope.stock'], ['manage', 'scope.manage']];
const events: [string, Key][] = [['session.completed', 'event.session.completed'], ['movement.created', 'event.movement.created'],
  ['count.manual', 'event.count.manual'], ['reconciliation.reviewed', 'event.reconciliation.reviewed']];

function Reset({row}: {row: R}): JSX.Element {
  const [password, setPassword] = useState<string | null>(null);
  const reset = () => {
    send<{temporary_password: string | null}>('POST', `users/${String(row.id)}/reset-password`, {})
      .then((r) => setPassword(r.temporary_password), (error: unknown) => say(wordsOf(error)));
  };
  return (
    <>
      <p class="muted">{t('users.since', {day: dayTime(String(row.created_at))})}</p>
      {password ? <Secret label={t('users.temporary')} value={password} /> : row.provider === 'local' && <button onClick={reset}>{t('users.reset')}</button>}
    </>
  );
}

const specs: Record<string, Resource<R>> = {
  people: {
    name: 'users', title: 'users.people', one: 'users.new', path: 'users', id: 'id', paged: true, search: true,
    filters: [{name: 'role', key: 'field.role', kind: 'choice', choices: roles}, {name: 'active', key: 'field.active', kind: 'choice', choices: [['true', 'common.yes'], ['false', 'common.no']]}],
    columns: [
      {key: 'field.name', of: (r) => `${String(r.first_name)} ${String(r.last_name)}`}, {key: 'login.email', of: 'email'},
      {key: 'field.role', of: 'role', kind: 'named', group: 'role', tone: (r) => (r.role === 'admin' ? 'warn' : 'plain')},
      {key: 'field.active', of: 'active', kind: 'yes', tone: (r) => (r.active ? 'good' : 'bad')},
      {key: 'users.lastlogin', of: 'last_login', kind: 'moment'}, {key: 'users.lastupload', of: 'last_upload_at', kind: 'moment', desk: true}],
    fields: [
      {name: 'first_name', key: 'field.firstname', kind: 'text', need: true, min: 1, max: 100}, {name: 'last_name', key: 'field.lastname', kind: 'text', need: true, min: 1, max: 100},
      {name: 'email', key: 'login.email', kind: 'email', need: true, min: 3, max: 255}, {name: 'role', key: 'field.role', kind: 'choice', choices: roles, need: true},
      {name: 'active', key: 'field.active', kind: 'yes'}],
    defaults: {role: 'worker', active: true}, remove: 'form.deactivate', empty: 'common.none', detail: (r) => <Reset row={r} />,
    made: (r) => (r.invite_url ? <Secret label={t('users.invite')} value={String(r.invite_url)} note={t('users.invite.do')} /> : null),
  },
  tokens: {
    name: 'tokens', title: 'users.tokens', one: 'users.tokens.new', path: 'tokens', id: 'id', fixed: true,
    columns: [{key: 'field.name', of: 'name'}, {key: 'users.hint', of: 'hint'}, {key: 'users.scopes', of: (r) => (r.scopes as string[]).map((s) => t(`scope.${s}` as Key)).join(', ')},
      {key: 'users.expires', of: 'expires_at', kind: 'moment'}, {key: 'users.lastused', of: 'last_used_at', kind: 'moment'},
      {key: 'field.active', of: (r) => r.revoked_at === null, kind: 'yes', tone: (r) => (r.revoked_at === null ? 'good' : 'bad')}],
    fields: [{name: 'name', key: 'field.name', kind: 'text', need: true, min: 1, max: 100}, {name: 'scopes', key: 'users.scopes', kind: 'many', choices: scopes, need: true},
      {name: 'expires_at', key: 'users.expires', kind: 'moment'}],
    defaults: {scopes: ['read']}, remove: 'users.revoke', empty: 'users.tokens.empty', detail: (r) => <p><strong>{String(r.name)}</strong></p>,
    made: (r) => <Secret label={t('users.tokens.once')} value={String(r.token)} note={t('users.tokens.do')} />,
  },
  webhooks: {
    name: 'webhooks', title: 'users.webhooks', one: 'users.webhooks.new', path: 'webhooks', id: 'id', paged: true,
    columns: [{key: 'field.address', of: 'url'}, {key: 'users.events', of: (r) => (r.events as string[]).map((e) => t(`event.${e}` as Key)).join(', ')},
      {key: 'field.active', of: 'active', kind: 'yes', tone: (r) => (r.active ? 'good' : 'bad')}, {key: 'users.failed', of: 'failed_deliveries', kind: 'number'}],
    fields: [{name: 'url', key: 'field.address', kind: 'text', need: true, min: 8, max: 2000}, {name: 'events', key: 'users.events', kind: 'many', choices: events, need: true}],
    defaults: {events: ['session.completed']}, remove: 'form.delete', empty: 'users.webhooks.empty',
    made: (r) => <Secret label={t('users.webhooks.secret')} value={String(r.secret)} note={t('users.tokens.do')} />,
  },
};
const tabs: [string, Key][] = [['people', 'users.people'], ['tokens', 'users.tokens'], ['webhooks', 'users.webhooks']];

export default function Users({place, me}: ScreenProps): JSX.Element {
  const tab = place.path[1] ?? 'people';
  return (
    <>
      <h1>{t('nav.users')}</h1>
      <Tabs base="users" tabs={tabs} now={tab} />
      <ResourceScreen key={tab} spec={specs[tab] ?? (specs.people as Resource<R>)} place={place} write={me.role === 'admin'} head={false} />
    </>
  );
}
