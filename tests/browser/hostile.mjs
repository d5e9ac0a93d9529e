// Whatever was sent is shown as text: nothing of it runs, nothing turns the line round, nothing is too long.

import assert from "node:assert/strict";
import { look, view, visit } from "./browser.mjs";

const ID = "0000abcd000000000000000000000001";

await visit(async (page) => {
  page.on("dialog", (dialog) => assert.fail(`it opened ${dialog.message()}`));
  for (const [path, picture] of [
    ["/", "hostile-list"],
    [`/trace/${ID}?span=0000000100000001&lines=1`, "hostile-trace"],
    ["/?q=%3Cscript%3E", "hostile-search"],
    [`/trace/${ID}?find=%22%3E%3Cscript%3E`, "hostile-find"],
    ["/logs", "hostile-logs"],
    ["/map", "hostile-map"],
    ["/metrics", "hostile-metrics"],
    ["/metrics?by=http.route", "hostile-metrics-by"],
    ["/metrics/runtime", "hostile-runtime"],
    ["/pipeline", "hostile-pipeline"],
    [`/compare?trace=${ID}&trace=${process.env.OTHER}`, "hostile-compare"],
  ]) {
    const { length } = await (await page.goto(`${view}${path}`)).body();
    assert.equal(await page.evaluate(() => window.stolen), undefined, path);
    assert.equal(await page.locator("main script, main img, main b b").count(), 0, path);
    const text = await page.evaluate(() => {
      const titles = [...document.querySelectorAll("[title], [aria-label]")].map((it) => it.title + it.ariaLabel);
      return [document.title, document.body.textContent, ...titles].join("\n");
    });
    assert.ok(!/[\u0000-\u0008\u000b-\u001f\u007f\u202a-\u202e\u2066-\u2069]/.test(text), path);
    assert.ok(length > 0 && length < 300_000, `${path}: ${length} bytes`);
    await look(page, picture);
  }
  await page.goto(`${view}/trace/${ID}?span=0000000100000001`);
  assert.ok((await page.textContent("aside")).includes("<script>window.stolen=1</script>"));
  assert.equal(await page.locator(".curl").count(), 0, "a command with control characters is none");
});
