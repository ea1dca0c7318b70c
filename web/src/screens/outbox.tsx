// SPDX-License-Identifier: Apache-2.0
// What this phone still holds, one line each, with the reason in words.
import type {JSX} from 'preact';
import {useEffect} from 'preact/hooks';
import {bytes, dayTime, percent, t} from '../i18n';
import {remove, update, type Item} from '../offline/database';
import {drain, outbox} from '../offline/outbox';
import {say, useValue} from '../store';
import {Empty} from '../ui/parts';

const UNDO_MS = 30000;
const leaving = new Map<string, number>();

/** What the server said, or the phone found out by itself. */
function reason(item: Item): string {
  switch (item.reason) {
    case 'hash': return t('outbox.hash');
    case 'bytes': return t('outbox.bytes');
    default: return item.reason ?? '';
  }
}

function words(item: Item): string {
  switch (item.state) {
    case 'sent': return t('outbox.sent');
    case 'sending': return t('outbox.sending', {percent: percent(item.sent_bytes / item.size, 0)});
    case 'problem': return t('outbox.problem', {reason: reason(item)});
    case 'waiting': return t('outbox.waiting');
  }
}

/** Gone after half a minute, unless taken back. */
function discard(item: Item): void {
  outbox.set(outbox.get().filter((other) => other.uuid !== item.uuid));
  leaving.set(item.uuid, window.setTimeout(() => void remove(item.uuid), UNDO_MS));
  say(t('outbox.deleted'), () => {
    clearTimeout(leaving.get(item.uuid));
    void update(item).then(() => drain());
  });
}

export function Outbox(): JSX.Element {
  const items = useValue(outbox);
  useEffect(() => void drain(), []);
  const waiting = items.filter((item) => item.state !== 'sent').length;
  return (
    <>
      <div class="row between wrap">
        <h1>{t('nav.outbox')}</h1>
        <button class="primary field" disabled={waiting === 0} onClick={() => void drain(true)}>{t('outbox.send')}</button>
      </div>
      {items.length === 0 ? <Empty text={t('outbox.empty')} /> : (
        <ul class="list card">
          {[...items].reverse().map((item) => (
            <li key={item.uuid}><div class="line">
              <strong>{item.location_code ?? item.name}</strong>
              <span class={`badge ${item.state === 'problem' ? 'bad' : item.state === 'sent' ? '' : 'warn'}`}>{words(item)}</span>
              <span class="muted">{dayTime(item.captured_at)} · {bytes(item.size)}</span>
              {item.state !== 'sent' && <button onClick={() => discard(item)}>{t('outbox.delete')}</button>}
            </div></li>
          ))}
        </ul>
      )}
    </>
  );
}
