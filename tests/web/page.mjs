// SPDX-License-Identifier: Apache-2.0
// What each person does first, on both sizes; no serious accessibility fault; opens without a network.
import assert from 'node:assert/strict';
import {accessibility, BASE, close, open, picture, test} from './kit.mjs';

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
  await close();
}
