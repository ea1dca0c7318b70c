// SPDX-License-Identifier: Apache-2.0
// The box editor on a real count of some 5,000 plants: by touch, mouse and keyboard; what was drawn is
// in the server's answer afterwards; frames while panning and the time of an edit are measured.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {chromium} from 'playwright-core';
import {BASE, kill, serve, token, until} from './server.mjs';

const {PASSWORD, PHOTO, CHROMIUM, PICTURES, EDITOR_STRICT} = process.env;
const LEAST_MARKS = 5000;
const LEAST_FRAMES = 50; // a second
const MOST_EDIT_MS = 100;

await serve();
const browser = await chromium.launch({executablePath: CHROMIUM, args: ['--no-sandbox']});
try {
  const headers = {Authorization: `Bearer ${await token('supervisor')}`};
  const api = async (path, init = {}) => (await fetch(`${BASE}/api/v1/${path}`, {...init, headers})).json();
  const form = new FormData();
  form.append('files', new Blob([readFileSync(PHOTO)], {type: 'image/jpeg'}), 'many.jpg');
  const upload = await api('photos/upload', {method: 'POST', body: form});
  assert.equal(upload.jobs?.length, 1, JSON.stringify(upload));
  let id = null;
  await until('the photo is counted', async () => {
    const {photos} = await api('photos/gallery');
    const run = photos.find((photo) => photo.image_id === upload.jobs[0].image_id)?.processing_session;
    id = run?.session_id ?? null;
    return id !== null && (await api(`photos/sessions/${id}`)).status === 'completed';
  }, 300000);
  const before = await api(`photos/sessions/${id}/detections.json`);
  assert.ok(before.count >= LEAST_MARKS, `${before.count} marks`);

  const context = await browser.newContext({viewport: {width: 1440, height: 900}, locale: 'es-AR', hasTouch: true});
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.goto(BASE);
  await page.getByLabel('Correo').fill('supervisor@example.org');
  await page.getByLabel('Contraseña').first().fill(PASSWORD);
  await page.getByRole('button', {name: 'Entrar'}).click();
  await page.getByRole('navigation').first().waitFor();
  const began = Date.now();
  await page.goto(`${BASE}/#/session/${id}`);
  await page.locator('.stage canvas').waitFor();
  console.log(`   ${before.count} marks, open after ${Date.now() - began} ms`);
  const stage = await page.locator('.stage').boundingBox();
  const middle = {x: stage.x + stage.width / 2, y: stage.y + stage.height / 2};
  const figure = async () => Number((await page.locator('.panel h1').innerText()).replace(/\D/g, ''));
  const started = await figure();

  // Frames while a mouse pans a picture that shows everything.
  const frames = page.evaluate(() => new Promise((resolve) => {
    const times = [];
    const tick = (now) => {
      times.push(now);
      if (now - times[0] < 2000) requestAnimationFrame(tick);
      else resolve((times.length - 1) / ((now - times[0]) / 1000));
    };
    requestAnimationFrame(tick);
  }));
  await page.keyboard.press('Escape');
  await page.mouse.move(middle.x, middle.y);
  await page.getByRole('button', {name: 'Acercar'}).click();
  await page.mouse.move(middle.x, middle.y);
  await page.mouse.down();
  for (let i = 0; i < 60; i++) await page.mouse.move(middle.x + 80 * Math.sin(i / 5), middle.y + 60 * Math.cos(i / 7));
  await page.mouse.up();
  const rate = await frames;
  console.log(`   ${rate.toFixed(0)} frames a second while panning`);

  // A place where nothing stands, in pixels of the photo and on the page once all of it is in sight.
  const {x: xs, y: ys, w: ws, h: hs} = before.columns;
  const bare = (x, y) => xs.every((at, i) => Math.abs(at - x) > ws[i] / 2 + 12 || Math.abs(ys[i] - y) > hs[i] / 2 + 12);
  const spots = Array.from({length: 20000}, (_, i) => ({x: 40 + (i * 7919) % (before.width_px - 80), y: 40 + (i * 104729) % (before.height_px - 80)}));
  const spot = spots.find(({x, y}) => bare(x, y));
  assert.ok(spot, 'no bare ground');
  const scale = Math.min(stage.width / before.width_px, stage.height / before.height_px);

  // A tap on bare ground: from the event to the frame that shows it.
  await page.getByRole('button', {name: 'Ver todo'}).click();
  const edit = await page.evaluate(({x, y}) => new Promise((resolve) => {
    const target = document.querySelector('.stage');
    const from = performance.now();
    const fire = (type) => target.dispatchEvent(new PointerEvent(type, {bubbles: true, pointerId: 1, clientX: x, clientY: y, pointerType: 'touch', isPrimary: true}));
    target.setPointerCapture = () => undefined;
    fire('pointerdown');
    fire('pointerup');
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - from)));
  }), {x: middle.x + (spot.x - before.width_px / 2) * scale, y: middle.y + (spot.y - before.height_px / 2) * scale});
  console.log(`   ${edit.toFixed(0)} ms from a tap to its picture`);
  const shows = (n, what) => until(`${what}: ${n}`, async () => (await figure()) === n, 5000);
  await shows(started + 1, 'a tap adds one');

  await page.keyboard.press('Control+z');
  await shows(started, 'undone');
  await page.keyboard.press('Control+y');
  await shows(started + 1, 'done again');

  // By keyboard: the least certain one goes, another moves.
  await page.locator('.stage').focus();
  await page.keyboard.press('n');
  await page.getByText('1 elegidas').waitFor();
  await page.keyboard.press('Delete');
  await shows(started, 'one removed');
  await page.keyboard.press('n');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Shift+ArrowUp');

  // With a lasso: many are marked dead.
  await page.getByRole('button', {name: 'Lazo'}).click();
  await page.mouse.move(middle.x - 40, middle.y - 40);
  await page.mouse.down();
  for (const [dx, dy] of [[40, -40], [40, 40], [-40, 40]]) await page.mouse.move(middle.x + dx, middle.y + dy, {steps: 4});
  await page.mouse.up();
  const chosen = Number((await page.getByText(/\d+ elegidas/).first().innerText()).replace(/\D/g, ''));
  assert.ok(chosen > 1, `${chosen} in the lasso`);
  await page.getByRole('button', {name: 'Muerta', exact: true}).click();
  const wanted = started - chosen;
  await shows(wanted, 'dead plants do not count');
  if (PICTURES) await page.screenshot({path: `${PICTURES}/desk-editor.png`});

  // The draft outlives the page; saving tells the server all of it at once.
  await page.reload();
  await page.locator('.stage canvas').waitFor();
  await until('the draft is there', async () => (await figure()) === wanted);
  await page.getByLabel('Motivo de la corrección').fill('contado a mano en la mesa');
  await page.getByRole('button', {name: 'Guardar', exact: true}).click();
  await page.getByText('Corrección guardada').waitFor();
  const after = await api(`photos/sessions/${id}/detections.json`);
  const kinds = (all, kind) => all.columns.kind.filter((k) => k === kind).length;
  assert.equal(after.drawn.length, 1);
  assert.equal(kinds(after, 'removed'), kinds(before, 'removed') + 1);
  assert.equal(kinds(after, 'dead'), kinds(before, 'dead') + chosen);
  assert.equal(after.columns.x.filter((x, i) => x !== before.columns.x[i]).length, 1, 'one moved');
  await until('the corrected figure', async () => (await figure()) === wanted);
  assert.deepEqual(faults, []);
  if (EDITOR_STRICT) {
    assert.ok(rate >= LEAST_FRAMES, `${rate} frames a second`);
    assert.ok(edit <= MOST_EDIT_MS, `${edit} ms for an edit`);
  }
  console.log(`ok ${before.count} marks edited by touch, mouse and keyboard, and saved`);
} finally {
  await browser.close();
  await kill('SIGTERM');
}
