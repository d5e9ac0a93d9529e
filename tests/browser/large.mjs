// A trace of ten thousand spans: few rows, few bytes; what is folded comes when it is asked for, and stays when more comes.

import assert from "node:assert/strict";
import { look, until, view, visit } from "./browser.mjs";

// Sends one more span of the trace, below its root.
async function send(number) {
  const span = {
    traceId: "0000abcd000000000000000000000001",
    spanId: number.toString(16).padStart(16, "0"),
    parentSpanId: "0000000100000001",
    name: `late ${number}`,
    startTimeUnixNano: String(Date.now() * 1e6),
    endTimeUnixNano: String(Date.now() * 1e6 + 1000),
  };
  const answer = await fetch(`${process.env.OTLP}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
  });
  assert.equal(answer.status, 200);
}

await visit(async (page) => {
  let transferred = 0;
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  session.on("Network.loadingFinished", ({ encodedDataLength }) => (transferred += encodedDataLength));
  const rows = page.locator(".waterfall li");
  const name = "0000abcd000000000000000000000001";

  await page.goto(`${view}/trace/${name}`);
  assert.ok((await rows.count()) <= 620, `${await rows.count()} rows`);
  assert.equal(await page.locator(".waterfall li[id]").count(), 500);
  assert.ok(transferred < 150_000, `${transferred} bytes`);
  await look(page, "large");

  // The failure is the last span of all.
  await page.keyboard.press("e");
  await page.locator("aside").waitFor();
  assert.equal(await page.locator("aside h2").textContent(), "item 99.99");
  assert.equal(await page.locator("li.chosen .name").textContent(), "item 99.99");

  // A folded group unfolds in its place, and folds again.
  await page.goto(`${view}/trace/${name}`);
  const group = page.locator(".waterfall li", { has: page.locator(".fold[aria-expanded=false]") }).first();
  const id = await group.getAttribute("id");
  const label = await group.locator(".name").textContent();
  await group.locator(".fold").click();
  const first = label.replace("group ", "item ");
  await until(page, (name) => [...document.querySelectorAll(".waterfall .name")].some((it) => it.textContent === name), `${first}.99`);
  assert.equal(await page.locator(`#${id} .fold`).getAttribute("aria-expanded"), "true");
  assert.equal(await page.locator(`#${id} + li .name`).textContent(), `${first}.1`);
  await page.locator(`#${id} .fold`).click();
  assert.equal(await page.getByText(`${first}.1`, { exact: true }).isVisible(), false);

  // What stands for others makes room for them.
  const gap = page.locator("li.gap").first();
  const words = await gap.textContent();
  const before = await rows.count();
  await gap.locator("a").click();
  await until(page, (before) => document.querySelectorAll(".waterfall li").length > before, before);
  assert.notEqual(await page.locator("li.gap").first().textContent(), words);

  // What the reader unfolded stays so when the next span comes, and what was folded too.
  const below = () => page.evaluate((id) => {
    const rows = [...document.querySelectorAll(".waterfall li")];
    const at = rows.findIndex((row) => row.id === id);
    const shown = rows.slice(at + 1, at + 100).filter((row) => row.checkVisibility());
    return shown.map((row) => row.querySelector(".name")?.textContent);
  }, id);
  const items = Array.from({ length: 99 }, (_, number) => `${first}.${number + 1}`);
  await page.locator("#live[data-state=live]").waitFor();
  for (const [count, isOpen] of [[10_002, true], [10_003, false]]) {
    await page.locator(`#${id} .fold`).click();
    assert.equal((await below()).includes(`${first}.1`), isOpen);
    await send(count);
    await until(page, (count) => document.querySelectorAll(".facts dd")[2].textContent === String(count), count);
    if (isOpen) assert.deepEqual(await below(), items);
    else assert.deepEqual((await below()).filter((name) => items.includes(name)), []);
    assert.equal(await page.locator(`#${id} .fold`).getAttribute("aria-expanded"), String(isOpen));
  }

  // One among ten thousand.
  await page.goto(`${view}/trace/${name}?find=${encodeURIComponent('name = "item 42.42"')}`);
  assert.ok((await page.textContent(".tools-of-trace")).includes("1 of 10003 spans"));
  assert.equal(await page.locator("li.hit .name").textContent(), "item 42.42");
});
