// Tests with the binary between the official TypeScript SDK and Prism.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Front } from "./mock.js";
import { connect } from "./product.js";

// against starts the binary and a mock for the tests of a suite. documentAt returns the path of the mock's document;
// it gets the URL of the front. check adds a test. The test gets
//   call(tool, arguments)  see product.js
//   front                  see mock.js; at first, it lets Prism answer with the document's examples
//   requests()             the requests since the test began
// After the test, each request must have been one that the document allows.
export function against(work, documentAt) {
  let front, product;
  before(async () => {
    front = await Front.start(documentAt);
    product = await connect(work, front);
  });
  after(async () => {
    await product?.close();
    await front?.stop();
  });
  const check = (title, body) =>
    test(title, async () => {
      front.reset();
      try {
        await body({ call: product.call, front, requests: () => front.requests });
      } catch (error) {
        if (front.problems.length > 0) error.message += `\n${front.problems.join("\n")}`; // perhaps the reason
        throw error;
      }
      assert.deepEqual(front.problems, []);
      assert.ok(front.requests.length > 0, "no request came to the mock");
    });
  return { check };
}
