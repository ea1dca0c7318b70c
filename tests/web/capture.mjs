// SPDX-License-Identifier: Apache-2.0
// Photographs without a network, a browser that is closed, a server that is killed while they
// travel: all arrive once, with equal hashes, before the phone lets go of them.
import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {readdirSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {chromium} from 'playwright-core';
import {kill, serve, token, until} from './server.mjs';

const {PASSWORD, PHOTOS, PORT, PROFILE, CHROMIUM} = process.env;
const BASE = `http://127.0.0.1:${PORT}`;
const CHUNK_MOST = 4 << 20;
const photos = readdirSync(PHOTOS).filter((name) => name.endsWith('.jpg')).sort().map((name) => {
  const bytes = readFileSync(join(PHOTOS, name));
  return {path: join(PHOTOS, name), size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex')};
});
const big = photos.reduce((a, b) => (a.size > b.size ? a : b));
const small = photos.filter((photo) => photo !== big);

const launch = () => chromium.launchPersistentContext(PROFILE, {executablePath: CHROMIUM, locale: 'es-AR',
  args: ['--no-sandbox', '--disable-gpu'], viewport: {width: 390, height: 844}, isMobile: true, hasTouch: true});

async function signIn(page) {
  await page.goto(BASE);
  await page.getByLabel('Correo').fill('worker@example.org');
  await page.getByLabel('Contraseña').first().fill(PASSWORD);
  await page.getByRole('button', {name: 'Entrar'}).click();
  await page.getByRole('navigation').first().waitFor();
}

/** What the phone holds, by state. */
const held = (page) => page.evaluate(() => new Promise((resolve, reject) => {
  const open = indexedDB.open('demeter');
  open.onerror = () => reject(open.error);
  open.onsuccess = () => {
    const tx = open.result.transaction(['items', 'bytes']);
    const items = tx.objectStore('items').getAll();
    const bytes = tx.objectStore('bytes').count();
    tx.oncomplete = () => {
      open.result.close();
      resolve({items: items.result, bytes: bytes.result});
    };
  };
}));

async function choose(page, files) {
  await page.goto(`${BASE}/#/camera`);
  await page.locator('input[type=file][multiple]').setInputFiles(files.map((photo) => photo.path));
}

/** Every photo of the nursery, by hash. */
async function stored() {
  const headers = {Authorization: `Bearer ${await token('admin')}`};
  const known = [];
  for (const photo of photos) {
    const reply = await fetch(`${BASE}/api/v1/uploads/sha256/${photo.sha256}`, {headers});
    if (reply.status === 200) known.push((await reply.json()).sha256);
  }
  const gallery = await (await fetch(`${BASE}/api/v1/photos/gallery?per_page=100`, {headers})).json();
  return {known, total: gallery.pagination.total_items};
}

let context = null;
try {
  await serve();
  const before = (await stored()).total;
  context = await launch();
  let page = await context.newPage();
  await signIn(page);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await context.close(); // a day passes: what was installed lies on the disk
  context = await launch();
  page = await context.newPage();
  await page.goto(BASE);
  await page.getByRole('navigation').first().waitFor();
  await until('the page is kept', () => page.evaluate(async () => (await caches.match('/')) !== undefined));

  await context.setOffline(true);
  await choose(page, small);
  await until('photos on the phone', async () => (await held(page)).items.length === small.length);
  assert.equal((await held(page)).bytes, small.length);
  await context.close(); // the browser is closed, the phone restarted

  assert.deepEqual((await stored()).known, []);
  await kill('SIGTERM'); // nobody answers when it opens again
  context = await launch();
  page = await context.newPage();
  await page.goto(`${BASE}/#/outbox`);
  await page.getByText('espera señal').first().waitFor();
  assert.equal((await held(page)).items.length, small.length);
  await serve();
  await page.getByRole('button', {name: 'Enviar ahora'}).click();
  await until('all sent', async () => (await held(page)).items.every((item) => item.state === 'sent'));
  let now = await stored();
  assert.deepEqual(now.known.sort(), small.map((photo) => photo.sha256).sort());
  assert.equal(now.total, before + small.length);
  assert.equal((await held(page)).bytes, 0, 'the phone lets go of what is stored');
  console.log(`ok ${small.length} photos taken in flight mode, the browser closed in between`);

  // The same photos once more change nothing.
  await choose(page, small);
  await until('the same again', async () => {
    const all = (await held(page)).items;
    return all.length === 2 * small.length && all.every((item) => item.state === 'sent');
  });
  assert.equal((await stored()).total, before + small.length);
  console.log('ok the same photos again are known');

  // The server dies when the second piece of a large one sets out.
  await page.reload(); // pieces begin small again
  let sent = 0;
  let pieces = 0;
  await page.route('**/api/v1/uploads/*', async (route) => {
    if (route.request().method() === 'PATCH') {
      sent += route.request().postDataBuffer()?.length ?? 0;
      if (++pieces === 2) await kill('SIGKILL');
    }
    await route.continue();
  });
  await choose(page, [big]);
  await until('the phone noticed', async () => pieces >= 2 &&
    (await held(page)).items.some((item) => item.sha256 === big.sha256 && item.state === 'waiting'));
  await serve();
  await page.goto(`${BASE}/#/outbox`);
  await page.getByRole('button', {name: 'Enviar ahora'}).click();
  await until('the large one arrived', async () => (await held(page)).items.every((item) => item.state === 'sent'));
  now = await stored();
  assert.ok(now.known.includes(big.sha256));
  assert.equal(now.total, before + photos.length);
  assert.ok(sent <= big.size + CHUNK_MOST, `${sent} bytes travelled for ${big.size}`);
  console.log(`ok a server killed in the middle: ${sent} bytes travelled for a photo of ${big.size}`);
  await kill('SIGTERM');
} finally {
  await context?.close();
  await kill('SIGKILL');
  rmSync(PROFILE, {recursive: true, force: true});
}
