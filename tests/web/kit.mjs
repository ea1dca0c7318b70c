// SPDX-License-Identifier: Apache-2.0
// A browser as a person has it: a phone or a desk, signed in or not; with eyes for what is not accessible.
import {mkdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {chromium} from 'playwright-core';

export const {BASE, PASSWORD, PICTURES, CHROMIUM, SETUP} = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const sizes = {phone: {width: 390, height: 844, isMobile: true}, desk: {width: 1440, height: 900, isMobile: false}};
if (PICTURES) mkdirSync(PICTURES, {recursive: true});
let passed = 0;
let failed = 0;

const browser = await chromium.launch({executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu']});
const kept = new Map(); // sessions by role: the server lets nobody sign in more than ten times a minute

export async function open(size, role, address = '') {
  const {width, height, isMobile} = sizes[size];
  const context = await browser.newContext({viewport: {width, height}, isMobile, hasTouch: isMobile, locale: 'es-AR',
    bypassCSP: false, ...(role && kept.has(role) ? {storageState: kept.get(role)} : {})});
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && /Content Security Policy/.test(message.text())
    && page.faults.push(message.text()));
  await page.goto(`${BASE}/${address}`);
  if (role) {
    await page.locator('nav, form').first().waitFor();
    if (await page.getByLabel('Contraseña').count()) {
      await page.getByLabel('Correo').fill(`${role}@example.org`);
      await page.getByLabel('Contraseña').first().fill(PASSWORD);
      await page.getByRole('button', {name: 'Entrar'}).click();
    }
    await page.getByRole('navigation').first().waitFor();
  }
  return {context, page};
}

/** The session goes on in the next window of the same person. */
export async function leave({context}, role) {
  kept.set(role, await context.storageState());
  await context.close();
}

export async function picture(page, name) {
  if (PICTURES) await page.screenshot({path: `${PICTURES}/${name}.png`});
}

export const settled = (page) => page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'), null, {timeout: 20000});

/** Serious faults of the page as it stands, in words. */
export async function accessibility(page) {
  // evaluate() runs in a world of its own, which the page's policy does not bind.
  await page.evaluate(axe);
  // Of a long list the first rows stand for all: they are made by the same code.
  const result = await page.evaluate(() => globalThis.axe.run({include: [['html']], exclude: [['tbody tr:nth-child(n+5)'],
    ['.list > li:nth-child(n+5)'], ['.claros > :nth-child(n+5)'], ['.paper']]}, {resultTypes: ['violations'],
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']}));
  return result.violations.filter((v) => ['serious', 'critical'].includes(v.impact))
    .map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(', ')}`);
}

/** ONLY: a pattern of names, for who works on one of them. */
const only = new RegExp(process.env.ONLY ?? '');

export async function test(name, body) {
  if (!only.test(name)) return;
  const began = Date.now();
  try {
    await body();
    passed++;
    console.log(`ok ${name} (${Date.now() - began} ms)`);
  } catch (error) { // the others are still worth knowing
    failed++;
    console.log(`FAILED ${name}: ${error.stack}`);
  }
}

export async function close() {
  await browser.close();
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}
