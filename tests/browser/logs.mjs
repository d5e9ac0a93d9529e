// Log records: filtered, hostile ones shown as text, live with a pause, and from a line to its trace.

import assert from "node:assert/strict";
import { look, until, view, visit } from "./browser.mjs";

const { OTLP, RECORD, TRACE } = process.env;
const rows = "table.lines tbody tr";

/// Sends the record of the test with another message.
async function send(message) {
  const record = RECORD.replace("to come", message);
  const headers = { "content-type": "application/json" };
  assert.equal((await fetch(`${OTLP}/v1/logs`, { method: "POST", headers, body: record })).status, 200);
}

await visit(async (page) => {
  await page.goto(`${view}/logs`);
  assert.equal(await page.locator(rows).count(), 42);
  assert.equal(await page.title(), "Logs · throughline");
  const hostile = page.locator(rows, { hasText: "<script>" });
  const text = await hostile.locator(".message").textContent();
  assert.ok(text.includes("<script>document.title='taken'</script> \\u{1b}[31mred \\u{202e}txt.exe"), text);
  await look(page, "logs");

  await page.getByLabel("Level").selectOption("error");
  await page.waitForURL(/level=error/);
  assert.deepEqual(await page.locator(`${rows} .level`).allTextContents(), ["ERROR"]);
  // The others can be chosen all the same.
  const services = () => page.locator("select[name=service] option").allTextContents();
  assert.deepEqual(await services(), ["All services", "back", "front"]);
  await page.goto(`${view}/logs`);
  await page.keyboard.press("/");
  await page.keyboard.type('user.id = 3 and service = front');
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=/);
  assert.equal(await page.locator(rows).count(), 6);
  await look(page, "logs-filtered");
  await page.goto(`${view}/logs?q=user.id+%3D`);
  await look(page, "logs-fault");
  assert.equal(await page.locator("#fault").count(), 1);

  await page.goto(`${view}/logs`);
  await page.locator("#live[data-state=live]").waitFor();
  await send("the first to arrive");
  await page.locator(rows, { hasText: "the first to arrive" }).waitFor();
  await page.keyboard.press("p");
  await page.locator("#live[data-state=paused]").waitFor();
  await send("while nobody looks");
  // The next one is not shown before this one: the page asks for all at once.
  await until(page, async () => (await (await fetch("/api/logs?q=while")).json()).length === 1);
  assert.equal(await page.locator(rows, { hasText: "while nobody looks" }).count(), 0);
  await page.keyboard.press("p");
  await page.locator(rows, { hasText: "while nobody looks" }).waitFor();

  await page.goto(`${view}/logs?level=error`);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(`/trace/${TRACE}`));
});
