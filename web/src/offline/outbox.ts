// SPDX-License-Identifier: Apache-2.0
// Sends what the phone keeps: oldest first, in checksummed chunks that can be taken up again after a
// break, one sender per phone. A photo leaves the phone only when the server has said the same hash.
import {ApiError, request} from '../api';
import {me, Value} from '../store';
import {forgetBytes, items, readBytes, remove, update, type Item} from './database';

const CHUNK_MIN = 256 << 10;
const CHUNK_MAX = 4 << 20;
const RECEIPT_DAYS = 14;
const TUS = {'Tus-Resumable': '1.0.0'};

export const outbox = new Value<Item[]>([]);
let chunk = 1 << 20;
let running = false;

async function refresh(): Promise<void> {
  const all = await items();
  outbox.set(all.sort((a, b) => a.captured_at.localeCompare(b.captured_at)));
}

const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

async function checksum(bytes: ArrayBuffer): Promise<string> {
  return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))));
}

function metadata(item: Item): string {
  const fields: Record<string, string> = {
    filename: item.name, filetype: item.type, sha256: item.sha256, client_uuid: item.uuid,
    captured_at: item.captured_at, pending: String(outbox.get().filter((i) => i.state !== 'sent').length),
  };
  if (item.location_id) fields.storage_location_id = String(item.location_id);
  else if (item.location_code) fields.qr_code = item.location_code;
  if (item.gps) {
    fields.gps_lon = String(item.gps.longitude);
    fields.gps_lat = String(item.gps.latitude);
    fields.gps_error_m = String(item.gps.accuracy_m);
  }
  return Object.entries(fields).map(([name, value]) => `${name} ${base64(value)}`).join(',');
}

/** Whether the server has these bytes already. */
async function known(item: Item): Promise<boolean> {
  try {
    await request(`api/v1/uploads/sha256/${item.sha256}`, {method: 'GET'});
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}

async function offsetOf(item: Item): Promise<number> {
  if (!item.upload) return 0;
  try {
    const response = await request(item.upload, {method: 'HEAD', headers: TUS});
    return Number(response.headers.get('Upload-Offset') ?? 0);
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 410)) {
      item.upload = null;
      return 0;
    }
    throw error;
  }
}

async function create(item: Item): Promise<void> {
  const response = await request('api/v1/uploads', {
    method: 'POST',
    headers: {...TUS, 'Upload-Length': String(item.size), 'Upload-Metadata': metadata(item)},
  });
  item.upload = new URL(response.headers.get('Location') ?? '', location.href).pathname;
  await update(item);
}

/** All bytes; the reply to the last chunk says what was stored. */
async function transfer(item: Item, bytes: ArrayBuffer): Promise<string | null> {
  let at = await offsetOf(item);
  if (!item.upload) await create(item);
  let stored: string | null = null;
  while (at < item.size) {
    const part = bytes.slice(at, at + chunk);
    const began = performance.now();
    const response = await request(item.upload ?? '', {
      method: 'PATCH',
      headers: {...TUS, 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': String(at),
                'Upload-Checksum': `sha256 ${await checksum(part)}`},
      body: part,
    });
    at += part.byteLength;
    const seconds = (performance.now() - began) / 1000;
    chunk = Math.min(CHUNK_MAX, Math.max(CHUNK_MIN, seconds > 4 ? chunk / 2 : seconds < 1 ? chunk * 2 : chunk));
    item.sent_bytes = at;
    stored = response.headers.get('X-Content-SHA256');
    await update(item);
    await refresh();
  }
  return stored;
}

async function sendOne(item: Item): Promise<void> {
  item.state = 'sending';
  item.reason = null;
  await update(item);
  await refresh();
  if (!(await known(item))) {
    const bytes = await readBytes(item.uuid);
    if (!bytes) throw new Error('bytes');
    const stored = await transfer(item, bytes);
    if (stored !== null && stored !== item.sha256) throw new Error('hash');
    if (!(await known(item))) throw new Error('hash');
  }
  item.state = 'sent';
  item.sent_at = new Date().toISOString();
  await forgetBytes(item);
}

/** Network trouble is tried again without end; a fault of the content stops this item only. */
async function failed(item: Item, error: unknown): Promise<boolean> {
  item.tries++;
  const status = error instanceof ApiError ? error.status : -1;
  const passing = status === 0 || status === 401 || status === 429 || status >= 500;
  item.state = passing ? 'waiting' : 'problem';
  item.next_try = Date.now() + Math.min(60, 2 ** Math.min(item.tries, 6)) * 1000;
  item.reason = error instanceof ApiError ? error.problem?.error ?? error.message : String((error as Error).message);
  await update(item);
  return passing;
}

async function drainLocked(now: boolean): Promise<void> {
  const person = me.get()?.id;
  for (const item of outbox.get()) {
    if (item.owner !== person || item.state === 'sent' || (item.state === 'problem' && !now)) continue;
    if (item.next_try > Date.now() && !now) continue;
    try {
      await sendOne(item);
    } catch (error) {
      const stop = await failed(item, error);
      await refresh();
      if (stop) return;
    }
    await refresh();
  }
}

async function reachable(): Promise<boolean> {
  try {
    return (await fetch('health', {signal: AbortSignal.timeout(3000), cache: 'no-store'})).ok;
  } catch {
    return false;
  }
}

/** Send what can be sent. now: also what waits for its next try or had a problem. */
export async function drain(now = false): Promise<void> {
  await refresh();
  if (running || !me.get() || !outbox.get().some((item) => item.state !== 'sent')) return;
  running = true;
  try {
    if (!(await reachable())) return;
    if ('locks' in navigator) {
      await navigator.locks.request('demeter-outbox', {ifAvailable: true}, async (lock) => {
        if (lock) await drainLocked(now);
      });
    } else {
      await drainLocked(now);
    }
  } finally {
    running = false;
    await refresh();
  }
}

/** Receipts older than two weeks go. */
async function tidy(): Promise<void> {
  const limit = Date.now() - RECEIPT_DAYS * 86400000;
  for (const item of await items())
    if (item.state === 'sent' && item.sent_at && Date.parse(item.sent_at) < limit) await remove(item.uuid);
}

export function watch(): void {
  void tidy().then(refresh);
  addEventListener('online', () => void drain());
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && void drain());
  setInterval(() => document.visibilityState === 'visible' && void drain(), 30000);
  me.listen(() => void drain());
}
