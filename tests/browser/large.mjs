// A trace of ten thousand spans: few rows, few bytes; what is folded comes when it is asked for.

import assert from "node:assert/strict";
import { look, until, view, visit } from "./browser.mjs";

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

  // One among ten thousand.
  await page.goto(`${view}/trace/${name}?find=${encodeURIComponent('name = "item 42.42"')}`);
  assert.ok((await page.textContent(".tools-of-trace")).includes("1 of 10001 spans"));
  assert.equal(await page.locator("li.hit .name").textContent(), "item 42.42");
});
