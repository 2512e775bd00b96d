import { chromium } from 'playwright-core';

// Chromium must make no network requests of its own.
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args });
}

// open opens an address in a new page. page.complaints collects all errors, policy
// violations and requests to other hosts.
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(60000);
  const page = await context.newPage();
  page.complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) page.complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => page.complaints.push(String(error.stack ?? error)));
  page.on('dialog', (dialog) => {
    page.complaints.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  const { host } = new URL(url);
  page.on('request', (request) => {
    if (new URL(request.url()).host !== host) page.complaints.push(`a request to ${request.url()}`);
  });
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
  });
  await page.goto(url);
  await page.locator('#live[data-state=on]').waitFor();
  await page.locator('.phone').nth(1).waitFor();
  return page;
}

export const phone = (page, name) => page.getByRole('region', { name: `${name}'s phone` });

// bubble locates the newest bubble with a text on a phone.
export const bubble = (page, name, text) => phone(page, name).locator('.bubble').filter({ hasText: text }).last();
