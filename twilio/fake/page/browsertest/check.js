// Named checks, one after another, counted.
const counts = { passed: 0, failed: 0 };

export async function check(name, work) {
  const begun = performance.now();
  try {
    await work();
    counts.passed++;
    console.log(`ok    ${name} (${Math.round(performance.now() - begun)} ms)`);
  } catch (error) {
    counts.failed++;
    console.log(`FAIL  ${name}\n${error.stack ?? error}`);
  }
}

// finish prints the closing line and says what the process should exit with.
export function finish() {
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

// until asks again and again, for five seconds, until the answer is true.
export async function until(what, question, limit = 5000) {
  const end = performance.now() + limit;
  for (;;) {
    if (await question()) return;
    if (performance.now() > end) throw new Error(`not within ${limit} ms: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}
