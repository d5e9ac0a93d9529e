// What the collector takes, keeps and sends; and traces as files, out of one view and into another.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { look, view, visit } from "./browser.mjs";

const { OTHER, TRACE } = process.env;

await visit(async (page) => {
  await page.goto(`${view}/pipeline`);
  const fact = (name) => page.locator(".facts div", { has: page.locator("dt", { hasText: new RegExp(`^${name}$`) }) }).locator("dd");
  assert.equal(await fact("Spans").innerText(), "160");
  await page.locator("table.destinations .fault").first().waitFor();
  assert.match(await page.locator("table.destinations .fault").first().innerText(), /refused/);
  await look(page, "pipeline");

  await page.goto(`${view}/trace/${TRACE}`);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Export" }).click()]);
  assert.equal(download.suggestedFilename(), `trace-${TRACE.slice(0, 8)}.jsonl`);
  const file = await download.path();

  // A selection: what the list has, and what is marked in it.
  const saved = async (press) => {
    const [download] = await Promise.all([page.waitForEvent("download"), press()]);
    const content = readFileSync(await download.path(), "utf8");
    return [download.suggestedFilename(), new Set(content.match(/(?<="traceId":")[0-9a-f]{32}/g)).size, content];
  };
  const from = (name) => page.getByRole("link", { name, exact: true }).click();
  await page.goto(`${view}/?status=errors`);
  assert.deepEqual((await saved(() => from("Export"))).slice(0, 2), [`trace-${TRACE.slice(0, 8)}.jsonl`, 1]);
  await page.goto(`${view}/`);
  for (const place of [2, 5, 7]) await page.locator("td.pick input").nth(place).check();
  const marked = await saved(() => page.getByRole("button", { name: "Export the marked" }).click());
  assert.deepEqual(marked.slice(0, 2), ["traces.jsonl", 3]);
  // One instrument, and all that is kept.
  await page.goto(`${view}/metrics`);
  const [name, , instrument] = await saved(() => from("Export"));
  const names = new Set(JSON.parse(instrument).resourceMetrics.flatMap((it) => it.scopeMetrics).flatMap((it) => it.metrics).map((it) => it.name));
  assert.deepEqual([name, [...names]], ["metrics.jsonl", ["http.server.request.duration"]]);
  await page.goto(`${view}/pipeline`);
  const [all, traces, everything] = await saved(() => from("Export all that is kept"));
  assert.deepEqual([all, traces], ["telemetry.jsonl", 40]);

  // Chosen as a file.
  await page.goto(`${view}/pipeline`);
  const mixed = Buffer.from(`listening\n${readFileSync(file, "utf8")}`);
  await page.locator("input[data-import]").setInputFiles({ name: "output.txt", mimeType: "text/plain", buffer: mixed });
  await page.locator("dialog#imported", { hasText: "output.txt: 4 spans, 2 log records, 0 data points" }).waitFor();
  assert.match(await page.locator("dialog#imported").innerText(), /Passed over what is no telemetry: 1/);
  await page.keyboard.press("Escape");

  // Dropped on any page of another view.
  if (OTHER) {
    const content = readFileSync(file, "utf8");
    await page.goto(`${view}/`);
    const { data_points: points } = await (await fetch(`${OTHER}/api/import`, { method: "POST", body: everything })).json();
    assert.equal(points, 16);
    const charts = await Promise.all([view, OTHER].map(async (place) => (await fetch(`${place}/api/charts/http.server.request.duration`)).text()));
    assert.equal(charts[0], charts[1]);
    const transfer = await page.evaluateHandle((text) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], "trace.jsonl"));
      return transfer;
    }, content);
    await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
    await page.locator("dialog#imported", { hasText: "trace.jsonl: 4 spans, 2 log records, 0 data points" }).waitFor();
    await look(page, "imported");
    await page.keyboard.press("Escape");
    // Pasted; what is no telemetry is not taken, and what is pasted into a field stays there.
    const paste = (selector, text) => page.locator(selector).evaluate((element, text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      return element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }, text);
    assert.deepEqual([await paste("main", "hello"), await paste("#q", content)], [true, true]);
    assert.equal(await page.locator("dialog#imported[open]").count(), 0);
    assert.equal(await paste("main", content), false);
    await page.locator("dialog#imported[open]", { hasText: "pasted: 4 spans, 2 log records, 0 data points" }).waitFor();
    const answer = await fetch(`${OTHER}/api/import`, { method: "POST", body: content });
    assert.equal((await answer.json()).spans, 4);
    const trees = await Promise.all([view, OTHER].map(async (place) => (await fetch(`${place}/api/traces/${TRACE}`)).json()));
    assert.deepEqual(trees[0].spans, trees[1].spans);
  }
});
