// SPDX-License-Identifier: Apache-2.0
// Photographs on this phone until the server has confirmed their hash. Bytes are kept as array
// buffers, because some browsers damage blobs in IndexedDB.

export interface Item {
  uuid: string;
  owner: number; // user id of who shot it
  name: string;
  type: string;
  sha256: string;
  size: number;
  location_id: number | null;
  location_code: string | null;
  captured_at: string;
  gps: {longitude: number; latitude: number; accuracy_m: number} | null;
  state: 'waiting' | 'sending' | 'problem' | 'sent';
  sent_bytes: number;
  upload: string | null; // address of the resumable upload under way
  tries: number;
  next_try: number; // ms
  reason: string | null;
  sent_at: string | null;
}

const VERSION = 1;
let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('demeter', VERSION);
    request.onupgradeneeded = () => {
      const db = request.result;
      if (!db.objectStoreNames.contains('items')) db.createObjectStore('items', {keyPath: 'uuid'});
      if (!db.objectStoreNames.contains('bytes')) db.createObjectStore('bytes');
      if (!db.objectStoreNames.contains('cache')) db.createObjectStore('cache');
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB'));
  });
  return opened;
}

async function run<T>(stores: string[], mode: IDBTransactionMode,
                      work: (tx: IDBTransaction) => IDBRequest<T> | void): Promise<T> {
  const db = await open();
  return new Promise((resolve, reject) => {
    const tx = db.transaction(stores, mode, {durability: 'strict'});
    const request = work(tx);
    tx.oncomplete = () => resolve(request?.result as T);
    tx.onerror = () => reject(tx.error ?? new Error('IndexedDB'));
    tx.onabort = () => reject(tx.error ?? new Error('IndexedDB'));
  });
}

export async function sha256(bytes: ArrayBuffer): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, '0')).join('');
}

/** Write item and bytes in one transaction, read the bytes back and compare. Throws when the phone
 *  did not keep them. */
export async function store(item: Item, bytes: ArrayBuffer): Promise<void> {
  await run(['items', 'bytes'], 'readwrite', (tx) => {
    tx.objectStore('items').put(item);
    tx.objectStore('bytes').put(bytes, item.uuid);
  });
  const back = await readBytes(item.uuid);
  if (!back || (await sha256(back)) !== item.sha256) throw new Error('not stored');
}

export const readBytes = (uuid: string): Promise<ArrayBuffer | undefined> =>
  run(['bytes'], 'readonly', (tx) => tx.objectStore('bytes').get(uuid) as IDBRequest<ArrayBuffer | undefined>);

export const items = (): Promise<Item[]> =>
  run(['items'], 'readonly', (tx) => tx.objectStore('items').getAll() as IDBRequest<Item[]>);

export const update = (item: Item): Promise<unknown> =>
  run(['items'], 'readwrite', (tx) => tx.objectStore('items').put(item));

/** The server holds these very bytes: only the receipt stays. */
export const forgetBytes = (item: Item): Promise<unknown> =>
  run(['items', 'bytes'], 'readwrite', (tx) => {
    tx.objectStore('items').put(item);
    tx.objectStore('bytes').delete(item.uuid);
  });

export const remove = (uuid: string): Promise<unknown> =>
  run(['items', 'bytes'], 'readwrite', (tx) => {
    tx.objectStore('items').delete(uuid);
    tx.objectStore('bytes').delete(uuid);
  });

export const cached = <T>(key: string): Promise<T | undefined> =>
  run(['cache'], 'readonly', (tx) => tx.objectStore('cache').get(key) as IDBRequest<T | undefined>);
export const cache = (key: string, value: unknown): Promise<unknown> =>
  run(['cache'], 'readwrite', (tx) => tx.objectStore('cache').put(value, key));
