import assert from 'node:assert/strict';

import { bubble, phone } from './browser.js';
import { check, until } from './check.js';
import { alice, crowd, toAlice } from './world.js';

const count = 100_000;
const bubbles = (page) => page.locator('.bubble').count();

// timed returns how many milliseconds work takes, as the best of three runs.
async function timed(work) {
  let best = Infinity;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    await work(i);
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

// checkCrowd fills a session with messages. It checks that the page loads only a part
// of them, and that it is as fast as with a few messages.
export async function checkCrowd(page, fake) {
  const load = (text) => timed(async () => {
    await page.reload();
    await bubble(page, 'Bob', text).waitFor();
  });
  const oneMore = (text) => timed(async (i) => {
    await fake.api(path, { Body: `${text} ${i}` });
    await bubble(page, 'Alice', `${text} ${i}`).waitFor();
  });
  const path = `/Services/${toAlice.service}/Sessions/${toAlice.session}/Participants/${alice}/MessageInteractions`;
  const few = { load: await load('At the door now.'), oneMore: await oneMore('One more') };
  const slack = 500; // milliseconds that a busy machine may need in addition

  await check(`${count.toLocaleString()} messages: the newest ones are shown as fast as a few`, async () => {
    await fake.control('reset', 'POST'); // the recorded requests go with it
    await fake.control('seed', 'POST', crowd(count));
    await bubble(page, 'Bob', `Message ${count}`).waitFor();
    const took = await load(`Message ${count}`);
    assert.ok(took < 2 * few.load + slack, `${took} ms, ${few.load} ms with a few`);
    assert.equal(await bubbles(page), 50);
  });

  await check('older ones come page by page, and the reader stays in place', async () => {
    const screen = phone(page, 'Alice').locator('.screen');
    await screen.evaluate((e) => { e.scrollTop = 0; });
    const top = () => bubble(page, 'Alice', `Message ${count - 49}`).evaluate((e) => e.getBoundingClientRect().top);
    const before = await top();
    await phone(page, 'Alice').getByRole('button', { name: 'Older messages' }).click();
    await bubble(page, 'Alice', `Message ${count - 99}`).waitFor();
    assert.equal(await bubbles(page), 100);
    assert.ok(Math.abs(await top() - before) < 60, 'the reader was moved');
  });

  await check('one more message appears as fast as among a few', async () => {
    await load(`Message ${count}`);
    const took = await oneMore('One more');
    assert.ok(took < 2 * few.oneMore + slack, `${took} ms, ${few.oneMore} ms among a few`);
  });

  await check('while 2,000 messages come in, no task blocks the page for 250 ms', async () => {
    const longest = await longestTask(page, async () => {
      for (let sent = 0; sent < 2000; sent += 20) {
        await Promise.all(Array.from({ length: 20 }, (_, i) => fake.api(path, { Body: `Flood ${sent + i}` })));
      }
      await fake.api(path, { Body: 'Flood ends' });
      await bubble(page, 'Alice', 'Flood ends').waitFor();
    });
    assert.ok(longest > 0 && longest < 250, `one task took ${longest} ms of processor time`);
    assert.ok(await bubbles(page) <= 500);
    await until('all are delivered', async () => await page.locator('.bubble.is-sent, .bubble.is-queued').count() === 0, 60000);
  });
}

// longestTask returns the most processor time, in milliseconds, that one task of the
// page's main thread took during work. It does not measure real time, because other
// work on the machine would count, too.
async function longestTask(page, work) {
  const session = await page.context().newCDPSession(page);
  const tasks = [];
  const pages = new Set();
  session.on('Tracing.dataCollected', ({ value }) => {
    for (const { name, args, pid, tid, tdur } of value) {
      if (name === 'thread_name' && args.name === 'CrRendererMain') pages.add(`${pid} ${tid}`);
      if (tdur) tasks.push({ thread: `${pid} ${tid}`, took: tdur / 1000 });
    }
  });
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['toplevel'] } });
  await work();
  const complete = new Promise((resolve) => { session.once('Tracing.tracingComplete', resolve); });
  await session.send('Tracing.end');
  await complete;
  return Math.max(0, ...tasks.filter(({ thread }) => pages.has(thread)).map(({ took }) => took));
}
