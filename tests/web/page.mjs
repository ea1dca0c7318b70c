// SPDX-License-Identifier: Apache-2.0
// What each person does first, on both sizes; no serious accessibility fault; opens without a network.
import {mkdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import assert from 'node:assert/strict';
import {chromium} from 'playwright-core';

const {BASE, PASSWORD, PICTURES, CHROMIUM} = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const sizes = {phone: {width: 390, height: 844, isMobile: true}, desk: {width: 1440, height: 900, isMobile: false}};
if (PICTURES) mkdirSync(PICTURES, {recursive: true});
let passed = 0;

const browser = await chromium.launch({executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu']});

async function open(size, role) {
  const {width, height, isMobile} = sizes[size];
  const context = await browser.newContext({viewport: {width, height}, isMobile, hasTouch: isMobile, locale: 'es-AR',
    bypassCSP: false});
  const page = await context.newPage();
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && /Content Security Policy/.test(message.text())
    && page.faults.push(message.text()));
  await page.goto(BASE);
  if (role) {
    await page.getByLabel('Correo').fill(`${role}@example.org`);
    await page.getByLabel('Contraseña').first().fill(PASSWORD);
    await page.getByRole('button', {name: 'Entrar'}).click();
    await page.getByRole('navigation').waitFor();
  }
  return {context, page};
}

async function picture(page, name) {
  if (PICTURES) await page.screenshot({path: `${PICTURES}/${name}.png`});
}

/** Serious faults of the page as it stands, in words. */
async function accessibility(page) {
  // evaluate() runs in a world of its own, which the page's policy does not bind.
  await page.evaluate(axe);
  const result = await page.evaluate(() => globalThis.axe.run(document, {resultTypes: ['violations'],
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']}));
  return result.violations.filter((v) => ['serious', 'critical'].includes(v.impact))
    .map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(', ')}`);
}

async function test(name, body) {
  const began = Date.now();
  await body();
  passed++;
  console.log(`ok ${name} (${Date.now() - began} ms)`);
}

const screens = [['home', '#/home'], ['map', '#/map'], ['gallery', '#/gallery'], ['stock', '#/stock'],
  ['prices', '#/prices'], ['jobs', '#/jobs'], ['account', '#/account'], ['claro', '#/claro/1']];

try {
  await test('a wrong password is refused in words', async () => {
    const {context, page} = await open('phone', null);
    await picture(page, 'phone-login');
    await page.getByLabel('Correo').fill('admin@example.org');
    await page.getByLabel('Contraseña').first().fill('otra clave cualquiera');
    await page.getByRole('button', {name: 'Entrar'}).click();
    await page.getByText('El correo o la contraseña no son correctos.').waitFor();
    assert.deepEqual(await accessibility(page), []);
    await context.close();
  });

  for (const size of ['phone', 'desk']) {
    await test(`every screen of the office on the ${size}`, async () => {
      const {context, page} = await open(size, 'admin');
      for (const [name, address] of screens) {
        await page.goto(`${BASE}/${address}`);
        await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'), null, {timeout: 15000});
        await page.waitForTimeout(name === 'map' ? 400 : 100);
        assert.equal(await page.locator('.notice.bad').count(), 0, `${name}: ${await page.locator('.notice.bad').allInnerTexts()}`);
        assert.deepEqual(await accessibility(page), [], name);
        await picture(page, `${size}-${name}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);
        assert.equal(wide, false, `${name} scrolls sideways`);
      }
      assert.deepEqual(page.faults, []);
      await context.close();
    });
  }

  await test('themes keep their contrast', async () => {
    const {context, page} = await open('phone', 'viewer');
    for (const theme of ['dark', 'sun']) {
      await page.goto(`${BASE}/#/account`);
      await page.getByRole('button', {name: theme === 'dark' ? 'Oscuro' : 'Sol'}).click();
      await page.goto(`${BASE}/#/home`);
      await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
      assert.deepEqual(await accessibility(page), [], theme);
      await picture(page, `phone-home-${theme}`);
    }
    await context.close();
  });

  await test('a worker sees no money and gets a camera', async () => {
    const {context, page} = await open('phone', 'worker');
    await page.getByRole('link', {name: 'Fotografiar'}).first().waitFor();
    await picture(page, 'phone-worker');
    assert.equal(/\$/.test(await page.locator('main').innerText()), false);
    await context.close();
  });

  await test('the session survives a reload, and the page opens without a network', async () => {
    const {context, page} = await open('phone', 'worker');
    await page.reload();
    await page.getByRole('navigation').waitFor();
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.waitForTimeout(300);
    await context.setOffline(true);
    await page.reload();
    await page.getByRole('link', {name: 'Fotografiar'}).first().waitFor();
    await picture(page, 'phone-offline');
    await context.close();
  });

  await test('English has every text', async () => {
    const {context, page} = await open('desk', 'admin');
    await page.goto(`${BASE}/#/account`);
    await page.getByRole('button', {name: 'English'}).click();
    await page.getByRole('link', {name: 'Prices'}).click();
    await page.getByRole('heading', {name: 'Prices'}).waitFor();
    await context.close();
  });
} finally {
  await browser.close();
}
console.log(`${passed} passed`);
