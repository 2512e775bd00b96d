import { bubble, open } from './browser.js';
import { bob, toAlice, world } from './world.js';

// writeScreenshot writes the README's picture. It shows a delivered message, a refused
// one, one whose answer was lost, and an armed fault.
export async function writeScreenshot(browser, fake, server, path) {
  await fake.control('reset', 'POST');
  await fake.control('seed', 'POST', world());
  const page = await open(browser, fake.url);
  await server.send(toAlice, 'Bob has arrived with your parcel.');
  await fake.control('faults', 'PUT', { operation: 'CreateMessageInteraction', effect: 'status', status: 400, code: 80608 });
  await server.send(toAlice, 'How was the delivery? Answer with a number from 1 to 5.');
  await fake.control('faults', 'PUT', { operation: 'CreateMessageInteraction', effect: 'drop-after' });
  await server.send({ ...toAlice, participant: bob }, 'Thanks Bob. Next stop: Harbour Street 3.');
  await bubble(page, 'Bob', 'Next stop').getByText('the caller got no answer').waitFor();
  await bubble(page, 'Alice', 'How was').getByText('answered 400').waitFor();
  await bubble(page, 'Bob', 'Next stop').and(page.locator('.is-delivered')).waitFor();
  await fake.control('faults', 'PUT', { operation: 'CreateMessageInteraction', effect: 'delay', delay: '5s', times: 3 });
  await page.getByText('Answer 5s late').waitFor();
  await page.screenshot({ path });
  await page.context().close();
}
