// Runs named checks one after another and counts them.
const counts = { passed: 0, failed: 0 };

export async function check(name, work) {
  const start = performance.now();
  try {
    await work();
    counts.passed++;
    console.log(`ok    ${name} (${Math.round(performance.now() - start)} ms)`);
  } catch (error) {
    counts.failed++;
    console.log(`FAIL  ${name}\n${error.stack ?? error}`);
  }
}

// finish prints the summary and returns the exit code.
export function finish() {
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

// until repeats a question until its answer is true, by default for up to five seconds.
export async function until(what, question, limit = 5000) {
  const end = performance.now() + limit;
  for (;;) {
    if (await question()) return;
    if (performance.now() > end) throw new Error(`not within ${limit} ms: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}
