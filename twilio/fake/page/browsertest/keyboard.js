import assert from 'node:assert/strict';

import { bubble } from './browser.js';
import { check, until } from './check.js';

const focused = (page) => page.evaluate(() => {
  const e = document.activeElement;
  return { name: (e.getAttribute('aria-label') ?? e.textContent).trim(), id: e.id, tag: e.tagName, outline: getComputedStyle(e).outlineStyle };
});

// tabTo presses Tab until the focused element fits. It checks that the focus is
// visible on every element on the way.
async function tabTo(page, what, fits) {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press('Tab');
    const now = await focused(page);
    if (now.tag !== 'BODY') assert.notEqual(now.outline, 'none', `the focus is not visible on ${now.tag} ${now.name}`);
    if (fits(now)) return;
  }
  throw new Error(`Tab does not lead to ${what}`);
}

// checkKeyboard does everything on the page with the keyboard alone.
export async function checkKeyboard(page) {
  await check('keyboard: the link to the conversation comes first and works', async () => {
    await page.evaluate(() => document.activeElement.blur());
    await page.reload();
    await page.locator('.bubble').first().waitFor();
    await tabTo(page, 'the skip link', (f) => f.id === 'skip');
    await page.keyboard.press('Enter');
    assert.equal((await focused(page)).id, 'conversation');
  });

  await check('keyboard: a message opens, and has the focus again after it is closed', async () => {
    await tabTo(page, 'a message', (f) => f.name.endsWith('show its request and response'));
    const before = await focused(page);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Message' }).waitFor();
    await page.keyboard.press('Escape');
    assert.deepEqual(await focused(page), before);
  });

  await check('keyboard: an answer is written, and the focus stays in the box', async () => {
    await tabTo(page, 'an answer box', (f) => f.name === 'Answer as Alice');
    await page.keyboard.type('By keyboard alone');
    await page.keyboard.press('Enter');
    await bubble(page, 'Bob', 'By keyboard alone').waitFor();
    assert.equal((await focused(page)).name, 'Answer as Alice');
  });

  await check('keyboard: a fault is armed and disarmed', async () => {
    await page.reload();
    await page.locator('.bubble').first().waitFor();
    await tabTo(page, 'the fault form', (f) => f.id === 'faults-open');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Arm a fault' }).waitFor();
    await page.keyboard.type('Never');
    await tabTo(page, 'the button that arms', (f) => f.name === 'Arm it');
    await page.keyboard.press('Enter');
    await page.locator('.fault').getByText('Never answer').waitFor();
    await until('the dialog has given the focus back', async () => (await focused(page)).id === 'faults-open');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await until('it is disarmed', async () => await page.locator('.fault').count() === 0);
  });

  await check('keyboard: another session is opened', async () => {
    await page.reload();
    await page.locator('.bubble').first().waitFor();
    await tabTo(page, 'a session', (f) => f.name.includes('Order #1235'));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Carol' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'Alice' }).waitFor();
  });
}
