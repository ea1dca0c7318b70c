// SPDX-License-Identifier: Apache-2.0
// Keeps the page itself, so that it opens without a network. Answers of the API are never kept here.
declare const self: ServiceWorkerGlobalScope;
declare const FILES: string[];
declare const VERSION: string;

const name = `demeter-${VERSION}`;

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(name).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const key of await caches.keys()) if (key.startsWith('demeter-') && key !== name) await caches.delete(key);
    await self.clients.claim();
  })());
});

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  const scope = new URL(self.registration.scope);
  if (event.request.method !== 'GET' || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) return;
  const path = url.pathname.slice(scope.pathname.length);
  if (!FILES.includes(path)) return;
  event.respondWith((async () => {
    const cache = await caches.open(name);
    const key = path === '' ? scope.pathname : event.request.url;
    const kept = await cache.match(key, {ignoreSearch: true});
    if (kept) return kept;
    const fresh = await fetch(event.request); // the browser threw it away: keep it again
    if (fresh.ok) await cache.put(key, fresh.clone());
    return fresh;
  })());
});

export {};
