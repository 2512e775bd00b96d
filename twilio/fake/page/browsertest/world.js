// The seeds for the checks and for the screenshot.
const sid = (prefix, letter) => prefix + letter.repeat(32);

export const service = sid('KS', 'a');
export const session = sid('KC', 'a');
export const alice = sid('KP', 'a');
export const bob = sid('KP', 'b');
export const toAlice = { service, session, participant: alice };

const minutesAgo = (minutes) => new Date(Date.now() - minutes * 60000).toISOString();

function person(sidOf, identifier, friendly_name, proxy_identifier) {
  return { sid: sidOf, identifier, friendly_name, proxy_identifier };
}

function say(minutes, from, to, body, more = {}) {
  return { body, inbound_participant_sid: from, outbound_participant_sid: to, date_created: minutesAgo(minutes), ...more };
}

const unreachable = { life: { final: 'undelivered', error_code: 30003 } };

const errand = [
  say(52, '', alice, 'Hi Alice! Your courier Bob is on his way. Answer here to reach him; neither of you sees the other’s number.'),
  say(51, '', bob, 'Pick-up at Mill Lane 12. Answer here to reach Alice.'),
  say(33, alice, bob, 'Hello! The bell is broken, please knock.'),
  say(31, bob, alice, 'Will do. Ten minutes!'),
  say(30, alice, bob, 'Perfect, thank you!'),
  say(12, bob, alice, 'At the door now.'),
];

const others = [
  { unique_name: 'Order #1235', status: 'in-progress', participants: [person(sid('KP', 'c'), '+15550100003', 'Carol', '+15550108888'), person(sid('KP', 'd'), '+15550100004', 'Dave', '+15550109999')],
    messages: [say(190, '', sid('KP', 'c'), 'Your parcel waits at the station until Friday.')] },
  { unique_name: 'Order #1236', status: 'in-progress', participants: [person(sid('KP', 'e'), '+15550030003', 'Erin', '+15550109999')],
    messages: [say(95, '', sid('KP', 'e'), 'We could not find your house. Is it number 4?', unreachable)] },
  { unique_name: 'Order #1237', status: 'closed', closed_reason: 'api' },
];

const numbers = [{ sid: sid('PN', 'a'), phone_number: '+15550109999' }, { sid: sid('PN', 'b'), phone_number: '+15550108888' }];

// world returns a seed in which Alice and Bob talk in the session that the page shows.
export function world(messages = errand) {
  const first = { sid: session, unique_name: 'Order #1234', status: 'in-progress', messages,
    participants: [person(alice, '+15550100001', 'Alice', '+15550109999'), person(bob, '+15550100002', 'Bob', '+15550108888')] };
  return { services: [{ sid: service, unique_name: 'Deliveries', phone_numbers: numbers, sessions: [...others, first] },
    { unique_name: 'Support desk', phone_numbers: [{ phone_number: '+15550107777' }] }] };
}

// crowd returns a seed with many messages in one session, all of them delivered.
export function crowd(count) {
  return world(Array.from({ length: count }, (_, i) => say(9000 - (i * 8000) / count, '', i % 2 ? bob : alice, `Message ${i + 1}`)));
}
