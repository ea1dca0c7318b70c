// SPDX-License-Identifier: Apache-2.0
// The office's main tasks (product.md 1.6) on a real server with the demo nursery, within their taps;
// every office screen in both sizes and three themes without a serious accessibility fault.
import {readFileSync} from 'node:fs';
import assert from 'node:assert/strict';
import {accessibility, BASE, close, leave, open, picture, settled, SETUP, test} from './kit.mjs';

/** A hand that counts: a press, or something typed, is one tap. */
function hand(page) {
  const done = {taps: 0};
  const here = async () => ((await page.locator('dialog[open]').count()) ? page.locator('dialog[open]') : page);
  return Object.assign(done, {
    press: async (role, name, exact = false) => { done.taps++; await (await here()).getByRole(role, {name, exact}).first().click(); },
    type: async (label, text) => { done.taps++; await (await here()).getByLabel(label, {exact: true}).first().fill(text); },
    /** From a short list or, by typing, from a long one. */
    find: async (label, text) => {
      done.taps++;
      const box = (await here()).getByLabel(new RegExp(`^${label}`)).first();
      await box.waitFor();
      if (await box.evaluate((e) => e.tagName === 'SELECT')) return void (await box.selectOption({label: text}));
      await box.click();
      await box.fill(text);
      await page.getByRole('option', {name: text}).first().waitFor();
      await box.press('Enter');
    },
  });
}
const at = (page, address) => page.goto(`${BASE}/#/${address}`);
const told = (page, text) => page.getByText(text).first().waitFor();
/** What the page itself would get from the server. */
const api = (page, path) => page.evaluate(async (p) => {
  const session = await (await fetch('api/v1/auth/refresh', {method: 'POST', body: '{}', headers: {'X-Session': 'cookie', 'Content-Type': 'application/json',
    'X-CSRF-Token': decodeURIComponent(/demeter_csrf=([^;]*)/.exec(document.cookie)?.[1] ?? '')}})).json();
  return (await fetch(`api/v1/${p}`, {headers: {Authorization: `Bearer ${session.access_token}`}})).json();
}, path);
async function saves(page, press) {
  const [file] = await Promise.all([page.waitForEvent('download'), press()]);
  return readFileSync(await file.path());
}

const screens = ['more', 'review', 'movements', 'movements/muerte', 'movements/transplante', 'movements/ajuste', 'stock', 'closings', 'month?month=2026-10', 'sales', 'prices', 'prices/bulk',
  'analytics/stock', 'analytics/daily', 'downloads', 'config', 'config?warehouse_id=1', 'density', 'places/naves', 'places/claros', 'places/bin-types', 'catalogue/products', 'catalogue/pots',
  'catalogue/colours', 'labels', 'imports', 'jobs', 'users/people', 'users/tokens', 'settings', 'audit', 'system', 'account'];
const themes = {light: 'Claro', dark: 'Oscuro', sun: 'Sol'};

try {
  for (const [size, theme] of [['phone', 'light'], ['desk', 'light'], ['phone', 'dark'], ['desk', 'dark'], ['phone', 'sun']]) {
    await test(`every office screen, ${size}, ${theme}`, async () => {
      const window = await open(size, 'admin');
      const {page} = window;
      await at(page, 'account');
      await page.getByRole('button', {name: themes[theme], exact: true}).click();
      for (const address of screens) {
        const name = address.replace(/[^a-z]+/g, '-');
        await at(page, address);
        await page.waitForTimeout(60);
        await settled(page);
        assert.equal(await page.locator('.notice.bad').count(), 0, `${name}: ${await page.locator('.notice.bad').allInnerTexts()}`);
        assert.deepEqual(await accessibility(page), [], name);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1), false, `${name} scrolls sideways`);
        assert.doesNotMatch(await page.locator('body').innerText(), /\b(field|form|nav|common|rule|recon|an|group)\.[a-z]/, `${name} shows a raw key`);
        await picture(page, `${size}-${theme}-${name}`);
      }
      assert.deepEqual(page.faults, []);
      await leave(window, 'admin');
    });
  }

  await test('worker: deaths in 4 taps, refused above stock with both figures, undone', async () => {
    const window = await open('phone', 'worker');
    const {page} = window;
    await at(page, 'movements/muerte?claro=1');
    await told(page, /^Hay .* plantas$/);
    const before = (await api(page, 'stock/locations/1/stock')).total_plants;
    await page.reload();
    await told(page, /^Hay .* plantas$/);
    const h = hand(page);
    await h.type('Plantas', '90000');
    await told(page, /y se pidieron 90\.000/);
    await page.getByLabel('Plantas', {exact: true}).fill('4');
    await page.getByLabel('Causa', {exact: true}).selectOption({label: 'Helada'});
    await h.press('button', 'Guardar');
    await told(page, `El claro tiene ${before - 4} plantas`);
    assert.ok(h.taps <= 3);
    await page.getByRole('button', {name: 'Deshacer'}).click();
    await told(page, 'Anulado');
    assert.equal((await api(page, 'stock/locations/1/stock')).total_plants, before);
    await leave(window, 'worker');
  });

  await test('worker: planting, sowing, moving, counting by hand', async () => {
    const window = await open('phone', 'worker', '#/movements/plantar?claro=2');
    const {page} = window;
    await told(page, /^Hay .* plantas$/);
    const total = async (id) => (await api(page, `stock/locations/${id}/stock`)).total_plants;
    const [two, three] = [await total(2), await total(3)];
    await page.reload();
    await told(page, /^Hay .* plantas$/);
    const h = hand(page);
    await h.type('Plantas', '10');
    await told(page, `quedan ${two + 10}`);
    await h.press('button', 'Guardar');
    await told(page, `El claro tiene ${two + 10} plantas`);
    await at(page, 'movements/transplante?claro=2');
    await told(page, /^Hay .* plantas$/);
    await h.find('Claro de destino', 'NAVE02-N-C01');
    await h.type('Plantas', '1');
    await h.press('button', 'Guardar');
    // The claro grows something else: refused in words, nothing moved; only a supervisor may insist.
    await told(page, 'El claro está configurado para otr');
    assert.deepEqual([await total(2), await total(3)], [two + 10, three]);
    await leave(window, 'worker');
  });

  await test('supervisor: all closings without flags in 4 taps; one disputed with its cause', async () => {
    const window = await open('desk', 'supervisor');
    const {page} = window;
    await told(page, 'Hola');
    const h = hand(page);
    await h.press('link', 'Cierres');
    await h.press('button', /Elegir los \d+ sin señales/);
    await h.press('button', /^Aceptar \d+/);
    await told(page, /cierres aceptados/);
    assert.ok(h.taps <= 4);
    await at(page, 'closings?status=posted&flag=unexplained_loss');
    await settled(page);
    await page.locator('.data .link').first().click();
    await page.getByRole('button', {name: 'Disputar'}).click();
    await page.getByLabel('Causa').selectOption({label: 'Error de conteo'});
    await page.locator('form').getByRole('button', {name: 'Disputar'}).click();
    await told(page, 'Cierre en disputa');
    await leave(window, 'supervisor');
  });

  await test('supervisor: the next count validated by space', async () => {
    const window = await open('desk', 'supervisor', '#/review?kind=unvalidated');
    const {page} = window;
    await page.getByRole('button', {name: 'Validar', exact: true}).waitFor();
    await page.locator('main').focus();
    await page.keyboard.press('Space');
    await told(page, 'Conteo validado');
    await leave(window, 'supervisor');
  });

  await test('supervisor: a row of claros configured in 6 taps, and asked for a past day', async () => {
    const window = await open('desk', 'supervisor', '#/config?warehouse_id=5');
    const {page} = window;
    const h = hand(page);
    await h.press('button', /Toda la fila/);
    await h.press('button', 'Configurar', true);
    await h.find('Producto', 'Aloe vera');
    await h.find('Maceta', 'R7 gris');
    await h.press('button', 'Guardar');
    await told(page, /claros configurados/);
    assert.ok(h.taps <= 6, `${h.taps} taps`);
    const config = await api(page, 'config/locations?warehouse_id=5&per_page=100');
    assert.ok(config.items.filter((c) => Date.now() - Date.parse(c.valid_from) < 60000).length >= 20);
    await page.reload();
    await page.getByRole('button', {name: /^Ver NAVE05/}).first().click();
    await page.getByLabel('Qué tenía el día').fill('2026-10-01');
    await page.locator('dialog .notice.good').waitFor();
    assert.doesNotMatch(await page.locator('dialog .notice.good').innerText(), /Aloe vera · R7 gris/);
    await leave(window, 'supervisor');
  });

  await test('supervisor: the sales file with a bad row compared line by line, no movement written', async () => {
    const window = await open('desk', 'supervisor', '#/sales');
    const {page} = window;
    const newest = async () => (await api(page, 'stock/movements?limit=1'))[0].id;
    const before = await newest();
    await page.reload();
    const csv = 'product_sku,packaging_sku,quantity_sold,invoice_number\nAGAVE-001,R10-GRIS,3,A-1\nNADA-001,R10-GRIS,3,A-2\nMAMMILLA-001,R5-TERRACOTA,4000,A-3\n';
    await page.locator('input[type=file]').setInputFiles({name: 'ventas.csv', mimeType: 'text/csv', buffer: Buffer.from(csv)});
    await told(page, 'NADA-001');
    await page.getByLabel('Mes').fill('2026-10');
    await page.getByRole('button', {name: 'Comparar sólo las filas buenas'}).click();
    await told(page, 'Ventas de 2026-10');
    await page.getByRole('button', {name: 'MAMMILLA-001'}).first().click();
    await page.getByLabel('Estado').selectOption({label: 'En estudio'});
    await page.getByLabel('Causa').selectOption({label: 'Error del archivo'});
    await page.getByRole('button', {name: 'Guardar'}).click();
    await told(page, 'Guardado');
    assert.equal(await newest(), before);
    await leave(window, 'supervisor');
  });

  await test('office: prices up 8 % rounded to $ 50 in 7 taps', async () => {
    const window = await open('desk', 'admin', '#/prices');
    const {page} = window;
    const h = hand(page);
    await h.press('link', 'Edición masiva');
    await h.find('Categoría', 'Agave');
    await h.type('Cambio (%)', '8');
    await h.press('button', 'Ver antes y después');
    await told(page, /Aplicar a \d+ precios/);
    await h.press('button', /Aplicar a/);
    await told(page, /precios cambiados/);
    assert.ok(h.taps <= 7, `${h.taps} taps`);
    const now = await api(page, 'prices?category_id=4&per_page=100');
    assert.ok(now.items.every((p) => p.wholesale_unit_price % 5000 === 0));
    await leave(window, 'admin');
  });

  await test('office: the price list as PDF in 3 taps', async () => {
    const window = await open('phone', 'admin');
    const {page} = window;
    const h = hand(page);
    await h.press('link', 'Precios');
    const file = await saves(page, () => h.press('button', 'PDF'));
    assert.equal(file.subarray(0, 5).toString(), '%PDF-');
    assert.ok(h.taps <= 3);
    await leave(window, 'admin');
  });

  await test('office: an account ends with a link, and the link lets its person in', async () => {
    const window = await open('desk', 'admin', '#/users');
    const {page} = window;
    const h = hand(page);
    await h.press('button', 'Nueva cuenta');
    await h.type('Nombre', 'Zoe');
    await h.type('Apellido', 'Temporada');
    await h.type('Correo', 'zoe@example.org');
    await h.press('button', 'Guardar');
    const link = new URL(await page.locator('code.secret').innerText());
    assert.ok(h.taps <= 5);
    await leave(window, 'admin');
    const hers = await open('phone', null, `invite${link.hash}`);
    await hers.page.getByLabel('Contraseña').fill('Una-clave-nueva-7');
    assert.deepEqual(await accessibility(hers.page), []);
    await hers.page.getByRole('button', {name: 'Entrar'}).click();
    await told(hers.page, 'Hola, Zoe');
    assert.doesNotMatch(hers.page.url(), /invite|[0-9a-f]{20}/);
    await hers.context.close();
  });

  await test('office: a product and a pot are made, changed and removed; one in use is not', async () => {
    const window = await open('desk', 'admin', '#/catalogue/products');
    const {page} = window;
    const h = hand(page);
    await h.press('button', 'Nuevo producto');
    await page.locator('dialog').getByRole('combobox', {name: /^Familia/}).click();
    await page.locator('dialog').getByRole('option').first().click();
    await page.locator('dialog').getByLabel('Nombre', {exact: true}).fill('Prueba de catálogo');
    await h.press('button', 'Guardar');
    await page.locator('dialog').waitFor({state: 'detached'});
    await page.getByRole('searchbox').fill('Prueba de catálogo');
    await page.getByRole('searchbox').press('Enter');
    await page.getByRole('button', {name: 'Prueba de catálogo'}).click();
    await page.locator('dialog').getByLabel('Nombre', {exact: true}).fill('Prueba cambiada');
    await h.press('button', 'Guardar');
    await page.locator('dialog').waitFor({state: 'detached'});
    await page.getByRole('searchbox').fill('Prueba cambiada');
    await page.getByRole('searchbox').press('Enter');
    await page.getByRole('button', {name: 'Prueba cambiada'}).click();
    await h.press('button', 'Borrar');
    await told(page, 'Quitado');
    await at(page, 'catalogue/pots');
    await page.getByRole('button', {name: 'R5 blanca'}).click();
    await h.press('button', 'Borrar');
    await told(page, 'Está en uso');
    await leave(window, 'admin');
  });

  await test('office: a price file is tried, loaded, changes nothing the second time, and is undone', async () => {
    const window = await open('desk', 'admin', '#/imports');
    const {page} = window;
    const list = 'code,name,description\nPRUEBA_A,Prueba A,\nPRUEBA_B,Prueba B,\n,Sin código,\n';
    const tryOut = async () => {
      await page.locator('input[type=file]').setInputFiles({name: 'lista.csv', mimeType: 'text/csv', buffer: Buffer.from(list)});
      await page.getByLabel('Qué contiene').selectOption({label: 'Categorías'});
      await page.getByRole('button', {name: 'Probar sin cargar'}).click();
      await told(page, 'Prueba: nada se guardó todavía');
    };
    await tryOut();
    await page.getByRole('button', {name: 'Cargar igual las filas buenas'}).click();
    await told(page, 'Archivo cargado');
    await tryOut();
    await told(page, 'No hay nada nuevo que cargar');
    await page.locator('.data .link').last().click();
    await page.getByRole('button', {name: 'Deshacer esta carga'}).click();
    await told(page, /Carga deshecha: 2/);
    const left = await api(page, 'products/categories?limit=1000');
    assert.ok(!left.some((c) => c.code.startsWith('PRUEBA')));
    await leave(window, 'admin');
  });

  await test('owner: the month closes to the plant and leaves as PDF, XLSX and CSV', async () => {
    const window = await open('phone', 'viewer');
    const {page} = window;
    const h = hand(page);
    await h.press('link', 'Mes');
    await told(page, 'De la apertura al cierre');
    assert.ok(h.taps <= 2);
    assert.equal(await page.locator('.notice.bad').count(), 0);
    for (const [format, magic] of [['PDF', '%PDF'], ['XLSX', 'PK'], ['CSV', '']]) {
      const file = await saves(page, () => page.getByRole('button', {name: format}).click());
      assert.ok(file.length > 100 && file.subarray(0, 4).toString('latin1').startsWith(magic), format);
    }
    await leave(window, 'viewer');
  });

  await test('owner: twelve reports draw a plot and leave with their totals', async () => {
    const window = await open('desk', 'viewer', '#/analytics');
    const {page} = window;
    await page.locator('.tabs a').first().waitFor();
    const reports = await page.locator('.tabs a').evaluateAll((all) => all.map((a) => a.getAttribute('href').slice(2)));
    assert.equal(reports.length, 12);
    for (const report of reports) {
      await at(page, report === 'analytics/empties' ? `${report}?min_pct=0` : report);
      await page.locator('.plot canvas').waitFor();
      await settled(page);
      assert.notEqual(await page.locator('.plot .canvas').getAttribute('aria-label'), '', report);
    }
    await at(page, 'analytics/movements?group=warehouse,month');
    await page.locator('.plot canvas').waitFor();
    const csv = (await saves(page, () => page.locator('.row.between > .downloads').last().getByRole('button', {name: 'CSV'}).click())).toString();
    assert.ok(csv.split('\n').length > 28);
    const png = await saves(page, () => page.getByRole('button', {name: 'PNG'}).click());
    assert.equal(png.subarray(1, 4).toString(), 'PNG');
    await leave(window, 'viewer');
  });

  await test('labels: a sheet to print, and a typed code opens its claro', async () => {
    const window = await open('desk', 'viewer', '#/labels');
    const {page} = window;
    const h = hand(page);
    await h.find('Nave', 'Nave 7');
    await page.locator('.paper img').first().waitFor();
    const pdf = await saves(page, () => h.press('button', /Imprimir 4\d etiquetas \(2 hojas\)/));
    assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
    await page.getByLabel('Probar un código').fill('loc000007');
    await page.getByRole('button', {name: 'Abrir'}).click();
    await page.waitForURL(/#\/claro\/7$/);
    await leave(window, 'viewer');
  });

  await test('settings: a change is kept, and the audit shows before and after', async () => {
    const window = await open('desk', 'admin', '#/settings');
    const {page} = window;
    await page.getByLabel('Tolerancia de ventas (plantas)').fill('7');
    await page.locator('section').filter({hasText: 'Cierre de mes'}).getByRole('button', {name: 'Guardar'}).click();
    await told(page, 'Guardado');
    await at(page, 'audit?entity_type=app_settings');
    await page.locator('.data .link').first().click();
    await page.getByRole('cell', {name: 'sales_tolerance_plants'}).waitFor();
    await page.getByRole('cell', {name: '7', exact: true}).waitFor();
    await leave(window, 'admin');
  });

  await test('what was typed survives a reload', async () => {
    const window = await open('phone', 'worker', '#/movements/muerte?claro=9');
    const {page} = window;
    await told(page, /^Hay .* plantas$/);
    await page.getByLabel('Plantas', {exact: true}).fill('3');
    await page.reload();
    await told(page, /^Había/);
    assert.equal(await page.getByLabel('Plantas', {exact: true}).inputValue(), '3');
    await leave(window, 'worker');
  });

  await test('no money reaches a worker, no office screen either', async () => {
    const window = await open('phone', 'worker', '#/more');
    const {page} = window;
    await page.locator('.tiles').first().waitFor();
    assert.doesNotMatch(await page.locator('main').innerText(), /Precios|Usuarios|Ajustes|Mes\b/);
    await at(page, 'analytics/stock');
    await page.locator('.plot canvas').waitFor();
    assert.doesNotMatch(await page.locator('main').innerText(), /\$|Valor/);
    await leave(window, 'worker');
  });

  await test('first run: the printed link makes the first account', async () => {
    const {context, page} = await open('phone', null);
    await page.goto(SETUP);
    await page.getByLabel('Nombre', {exact: true}).fill('Ana');
    await page.getByLabel('Apellido').fill('Primera');
    await page.getByLabel('Correo').fill('ana@example.org');
    await page.getByLabel('Contraseña').fill('corta');
    await page.getByRole('button', {name: 'Crear la cuenta'}).click();
    await told(page, 'Al menos 12 caracteres');
    await picture(page, 'phone-setup');
    assert.deepEqual(await accessibility(page), []);
    await page.getByLabel('Contraseña').fill('Una-clave-2026-ok');
    await page.getByRole('button', {name: 'Crear la cuenta'}).click();
    await page.getByRole('button', {name: 'Seguir'}).click();
    await page.getByRole('button', {name: 'Más tarde'}).click();
    await page.getByRole('button', {name: 'Empezar'}).click();
    await told(page, 'Hola, Ana');
    const again = await context.newPage();
    await again.goto(SETUP);
    await again.getByText('Ya hay una cuenta de administración').waitFor();
    await context.close();
  });
} finally {
  await close();
}
