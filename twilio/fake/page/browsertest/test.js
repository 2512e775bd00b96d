// Tests the page in Chromium. The script run starts it.
import assert from 'node:assert/strict';

import { bubble, launch, open, phone } from './browser.js';
import { check, finish, until } from './check.js';
import { checkCrowd } from './crowd.js';
import { checkKeyboard } from './keyboard.js';
import { Fake, Server, stop, stopAll } from './processes.js';
import { writeScreenshot } from './screenshot.js';
import { alice, bob, service, session, toAlice, world } from './world.js';

async function checkMessages(page, fake, server) {
  await page.evaluate(() => { window.notReloaded = true; });

  await check('a message sent through the MCP tool appears, and its status changes', async () => {
    const result = await server.send(toAlice, 'Bob is at your door.');
    assert.ok(!result.isError, JSON.stringify(result));
    const shown = bubble(page, 'Alice', 'Bob is at your door.');
    await shown.and(page.locator('.is-sent')).waitFor();
    await shown.and(page.locator('.is-delivered')).waitFor();
    assert.equal(await bubble(page, 'Bob', 'Bob is at your door.').count(), 0);
    await until('it is announced', async () => (await page.locator('#announcer').textContent()).includes('Bob is at your door.'));
  });

  await check('an answer typed on the page shows on both phones and through the API', async () => {
    await phone(page, 'Alice').getByRole('textbox').fill('Coming down!');
    await phone(page, 'Alice').getByRole('button', { name: 'Send' }).click();
    await bubble(page, 'Alice', 'Coming down!').and(page.locator('.out')).waitFor();
    await bubble(page, 'Bob', 'Coming down!').and(page.locator('.in')).waitFor();
    const { interactions } = await fake.api(`/Services/${service}/Sessions/${session}/Interactions?PageSize=100`);
    const answer = interactions.find((i) => i.data.includes('Coming down!'));
    assert.equal(answer?.inbound_participant_sid, alice);
    assert.equal(answer?.outbound_participant_sid, bob);
  });

  await check('a click shows the raw request and response', async () => {
    await bubble(page, 'Alice', 'Bob is at your door.').locator('.speech').click();
    const drawer = page.getByRole('dialog');
    await drawer.getByText('Body=Bob+is+at+your+door.').waitFor();
    assert.match(await drawer.getByLabel('Response').textContent(), /^Twilio-Request-Id: RQ[0-9a-f]{32}$/m);
    assert.match(await drawer.getByLabel('Response').textContent(), /"outbound_resource_status": "(queued|sent)"/);
    assert.doesNotMatch(await drawer.textContent(), /QUNh/, 'credentials are shown');
    await drawer.getByRole('button', { name: 'Close' }).click();
  });

  await check('the page was not reloaded during all of that', async () => {
    assert.equal(await page.evaluate(() => window.notReloaded), true);
  });
}

async function checkHostileBodies(page, fake, server) {
  const markup = '<script>alert(1)</script><img src=x onerror="alert(2)"><style>*{display:none}</style>';
  const nameless = { 'Order <b>#1</b>': '<img src=x onerror="alert(3)">' };

  await check('markup in a body is shown as text', async () => {
    await server.send(toAlice, markup);
    const text = bubble(page, 'Alice', markup).locator('.text');
    await text.waitFor();
    assert.equal(await text.evaluate((e) => e.children.length), 0);
    await bubble(page, 'Alice', markup).locator('.meta').click();
    await page.getByRole('dialog').getByText(`Body = ${markup}`).waitFor();
    await page.keyboard.press('Escape');
  });

  await check('10,000 characters without a space do not widen the page, and can be unfolded', async () => {
    const width = () => page.evaluate(() => [document.documentElement.scrollWidth, document.querySelector('.phone').offsetWidth].join());
    const before = await width();
    await server.send(toAlice, `Long${'x'.repeat(9996)}`);
    const long = bubble(page, 'Alice', 'Longxxx');
    await long.getByRole('button', { name: 'Show all 10,000 characters' }).click();
    await until('all of it is there', async () => (await long.locator('.text').textContent()).length === 10000);
    assert.equal(await width(), before);
  });

  await check('unusual characters stay in their bubble', async () => {
    const odd = `\u202Eright to left\u202C ${'Z\u0351\u0352\u0353'.repeat(200)}\u200B`;
    await server.send(toAlice, odd);
    await bubble(page, 'Alice', 'right to left').waitFor();
  });

  await check('markup in names is shown as text', async () => {
    for (const [name, person] of Object.entries(nameless)) {
      const made = await fake.api(`/Services/${service}/Sessions`, { UniqueName: name });
      await fake.api(`/Services/${service}/Sessions/${made.sid}/Participants`, { Identifier: '+15550100009', FriendlyName: person });
      await page.getByRole('link', { name }).click();
      await page.getByRole('heading', { name: person, exact: true }).waitFor();
    }
    await page.getByRole('link', { name: 'Order #1234' }).click();
    await phone(page, 'Alice').waitFor();
  });
}

async function checkFaults(page, fake, server) {
  await check('a fault armed on the page turns the next bubble red', async () => {
    await page.getByRole('button', { name: 'Arm a fault…' }).click();
    await page.getByLabel('HTTP status').fill('400');
    await page.getByLabel('Twilio error code').fill('80608');
    await page.getByRole('button', { name: 'Arm it' }).click();
    await page.locator('.fault').getByText('Refuse with 400 · 80608').waitFor();
    const result = await server.send(toAlice, 'This one is refused.');
    assert.ok(result.isError);
    const red = bubble(page, 'Alice', 'This one is refused.').and(page.locator('.failed'));
    await red.getByText('answered 400 · 80608').waitFor();
    await page.getByText('None: every call is answered normally.').waitFor();
    const border = await red.locator('.speech').evaluate((e) => getComputedStyle(e).borderColor);
    const [, r, g, b] = border.match(/rgb\((\d+), (\d+), (\d+)\)/).map(Number);
    assert.ok(r > 150 && r > g + 80 && r > b + 80, `${border} is not red`);
  });

  await check('a refusal without a fault is red at once, too', async () => {
    const path = `/Services/${toAlice.service}/Sessions/${toAlice.session}/Participants/${alice}/MessageInteractions`;
    await assert.rejects(fake.api(path, { Body: 'With no picture.', MediaUrl: 'ftp://pictures.example/cat.png' }));
    await bubble(page, 'Alice', 'With no picture.').and(page.locator('.failed')).getByText('answered 400').waitFor();
  });

  await check('the next message is not red', async () => {
    await server.send(toAlice, 'This one is not.');
    await bubble(page, 'Alice', 'This one is not.').and(page.locator('.is-delivered:not(.failed)')).waitFor();
  });

  await check('a message whose answer was lost says so', async () => {
    await fake.control('faults', 'POST', { operation: 'CreateMessageInteraction', effect: 'drop-after' });
    await server.send(toAlice, 'Sent, but who knows?');
    await bubble(page, 'Alice', 'Sent, but who knows?').getByText('accepted, but the caller got no answer').waitFor();
  });

  await check('a late answer is not called lost, and the note disappears when it comes', async () => {
    await fake.control('faults', 'POST', { operation: 'CreateMessageInteraction', effect: 'delay', delay: '3s' });
    const sending = server.send(toAlice, 'The answer is slow.');
    const note = bubble(page, 'Alice', 'The answer is slow.').locator('.lost');
    await note.getByText('accepted, but not answered yet').waitFor();
    await sending;
    await note.waitFor({ state: 'detached' });
  });

  await check('large refused bodies are loaded only on a click', async () => {
    const path = `/Services/${toAlice.service}/Sessions/${toAlice.session}/Participants/${alice}/MessageInteractions`;
    let most = 0;
    const weigh = async (response) => {
      if (response.url().includes('/_fake/requests?')) most = Math.max(most, (await response.body()).length);
    };
    page.on('response', weigh);
    await assert.rejects(fake.api(path, { Body: `Heavy ${'y'.repeat(60000)}`, MediaUrl: 'ftp://pictures.example/dog.png' }));
    await bubble(page, 'Alice', 'Heavy').and(page.locator('.failed')).waitFor();
    page.off('response', weigh);
    assert.ok(most > 0 && most < 30000, `${most} bytes`);
    await bubble(page, 'Alice', 'Heavy').locator('.meta').click();
    await until('the drawer has all of it', async () => (await page.getByRole('dialog').getByLabel('Request').textContent()).length > 60000);
    await page.keyboard.press('Escape');
  });

  await check('an undelivered message is red, with the code', async () => {
    await page.getByRole('link', { name: 'Order #1236' }).click();
    await phone(page, 'Erin').locator('.failed').getByText('undelivered · 30003').waitFor();
    await page.getByRole('link', { name: 'Order #1234' }).click();
    await phone(page, 'Alice').waitFor();
  });
}

async function checkOdds(browser, page, fake) {
  await check('a participant whose name is a plus sign is shown', async () => {
    const made = await fake.api(`/Services/${service}/Sessions`, { UniqueName: 'Plus' });
    await fake.api(`/Services/${service}/Sessions/${made.sid}/Participants`, { Identifier: '+15550100019', FriendlyName: '+' });
    await page.getByRole('link', { name: 'Plus' }).click();
    await page.getByRole('heading', { name: '+', exact: true }).waitFor();
    assert.equal(await page.locator('.avatar').textContent(), '+');
    await page.getByRole('link', { name: 'Order #1234' }).click();
    await phone(page, 'Alice').waitFor();
  });

  await check('the session of a deleted service disappears from the page', async () => {
    const own = await open(browser, `${fake.url}/#${session}`); // a separate page, because its requests for deleted things fail
    const made = await fake.api('/Services', { UniqueName: 'Short-lived' });
    const talk = await fake.api(`/Services/${made.sid}/Sessions`, { UniqueName: 'Last words' });
    await own.evaluate((sid) => { location.hash = sid; }, talk.sid);
    await own.getByRole('heading', { name: 'Last words' }).waitFor();
    await fake.request(`/v1/Services/${made.sid}`, 'DELETE', undefined, fake.credentials);
    await own.getByRole('heading', { name: 'Last words' }).waitFor({ state: 'detached' });
    await own.context().close();
  });
}

async function checkReconnection(browser) {
  await check('the page reconnects after the fake was restarted, and catches up', async () => {
    let fake = await Fake.start();
    const page = await open(browser, fake.url);
    const path = `/Services/${service}/Sessions/${session}/Participants/${alice}/MessageInteractions`;
    await fake.api(path, { Body: 'Forgotten by then' });
    await bubble(page, 'Alice', 'Forgotten by then').waitFor();
    await stop(fake.child);
    await page.locator('#live[data-state=off]').waitFor();
    fake = await Fake.start(new URL(fake.url).host);
    await fake.api(path, { Body: 'Sent while nobody looked' });
    await page.locator('#live[data-state=on]').waitFor();
    await bubble(page, 'Alice', 'Sent while nobody looked').waitFor();
    assert.equal(await bubble(page, 'Alice', 'Forgotten by then').count(), 0);
    await page.context().close();
    await stop(fake.child);
  });
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => stopAll().finally(() => process.exit(1)));
}
const browser = await launch();
try {
  const fake = await Fake.start();
  await fake.control('seed', 'POST', world());
  const server = await Server.start(fake);
  const page = await open(browser, fake.url);
  await checkMessages(page, fake, server);
  await checkHostileBodies(page, fake, server);
  await checkFaults(page, fake, server);
  await checkOdds(browser, page, fake);
  await checkKeyboard(page);
  await checkCrowd(page, fake);
  await check('no error, no policy violation, no request to another host', async () => assert.deepEqual(page.complaints, []));
  await checkReconnection(browser);
  if (process.argv[2]) await check('the screenshot', () => writeScreenshot(browser, fake, server, process.argv[2]));
} finally {
  await browser.close();
  await stopAll();
}
process.exitCode = finish();
