// Pages follow what arrives: in the order of its starts, however late it comes, ten times a second at most, until they are
// paused.

import assert from "node:assert/strict";
import { until, view, visit } from "./browser.mjs";

const MILLI = 1_000_000n;
const begin = BigInt(Date.now()) * MILLI;

async function send(trace, id, parent, name, start, end) {
  const hex = (number, digits) => number.toString(16).padStart(digits, "0");
  const span = {
    traceId: hex(trace, 32),
    spanId: hex(id, 16),
    parentSpanId: parent ? hex(parent, 16) : "",
    name,
    kind: 1,
    startTimeUnixNano: String(begin + BigInt(start) * MILLI),
    endTimeUnixNano: String(begin + BigInt(end) * MILLI),
  };
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "late" } }] };
  const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] });
  const answer = await fetch(`${process.env.OTLP}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  assert.equal(answer.status, 200);
}

await visit(async (page, context) => {
  const names = () => page.locator("table.traces td.name b").allTextContents();
  const shows = (wanted) =>
    until(page, (wanted) => {
      const rows = [...document.querySelectorAll("table.traces td.name b, .waterfall li .name")];
      return JSON.stringify(rows.map((row) => row.textContent)) === wanted;
    }, JSON.stringify(wanted));

  await page.goto(`${view}/`);
  assert.ok((await page.textContent("main")).includes("No traces yet"));
  await page.evaluate(() => (window.same = true));

  await send(1, 1, 0, "first", 100, 200);
  await shows(["first"]);
  await send(3, 1, 0, "third", 300, 400);
  await shows(["third", "first"]);
  // It comes last and began before.
  await send(2, 1, 0, "second", 200, 250);
  await shows(["third", "second", "first"]);
  // A child that is there before its parent gives the trace its name for so long.
  await send(4, 2, 1, "child", 420, 430);
  await shows(["child", "third", "second", "first"]);
  await send(4, 1, 0, "parent", 410, 440);
  await shows(["parent", "third", "second", "first"]);

  // What the reader marked stays marked.
  await page.locator("td.pick input").nth(1).check();
  await send(5, 1, 0, "fifth", 500, 510);
  await shows(["fifth", "parent", "third", "second", "first"]);
  assert.equal(await page.locator("tr:has(input:checked) td.name b").textContent(), "third");

  // A hundred requests make ten updates a second at most.
  // By the clock of the page: what is told of it here may come late.
  await page.evaluate(() => {
    const ask = window.fetch;
    window.asked = [];
    window.fetch = (...all) => {
      window.asked.push(performance.now());
      return ask(...all);
    };
  });
  for (let number = 6; number < 106; number += 1) await send(number, 1, 0, "many", number * 100, number * 100 + 1);
  await until(page, () => document.querySelectorAll("table.traces tbody tr").length === 100);
  const asked = await page.evaluate(() => window.asked);
  assert.ok(asked.length > 0);
  const gaps = asked.slice(1).map((time, place) => time - asked[place]);
  // One may come late and the next in time: together they keep the measure.
  const took = gaps.reduce((sum, gap) => sum + gap, 0);
  assert.ok(took >= 100 * (gaps.length - 1), `updates follow each other after ${gaps.map(Math.round)} ms`);

  // Paused, nothing changes, and goes on where it is.
  await page.keyboard.press("p");
  await page.locator("#live[data-state=paused]").waitFor();
  const before = await names();
  const count = await page.evaluate(() => window.asked.length);
  await send(200, 1, 0, "unseen", 90_000, 90_001);
  const other = await context.newPage();
  await other.goto(`${view}/`);
  assert.equal(await other.locator("table.traces td.name b").first().textContent(), "unseen");
  await other.close();
  assert.deepEqual([await names(), await page.evaluate(() => window.asked.length)], [before, count]);
  await page.keyboard.press("p");
  await until(page, () => document.querySelector("table.traces td.name b").textContent === "unseen");
  assert.ok(await page.evaluate(() => window.same), "it is still the same page");

  // The page of a trace gets its late spans, and keeps what is open.
  await page.goto(`${view}/trace/${"4".padStart(32, "0")}?span=${"1".padStart(16, "0")}`);
  await shows(["parent", "child"]);
  await page.locator("#live[data-state=live]").waitFor();
  await send(4, 3, 1, "earlier child", 412, 415);
  await shows(["parent", "earlier child", "child"]);
  assert.equal(await page.locator("aside h2").textContent(), "parent");

  // A trace that is not here yet is shown as soon as it comes.
  await page.goto(`${view}/trace/${"7777".padStart(32, "0")}`);
  assert.ok((await page.textContent("main")).includes("This trace is not here"));
  await page.locator("#live[data-state=live]").waitFor();
  await send(0x7777, 1, 0, "awaited", 0, 10);
  await shows(["awaited"]);
});
