// One trace: its rows, the details of a span, folding, zoom, errors, search, log lines; by mouse and by keys.

import assert from "node:assert/strict";
import { look, shows, until, view, visit } from "./browser.mjs";

const ID = "0000abcd00000000000000000000000b";

await visit(async (page, context) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const names = () => page.locator(".waterfall li:visible .name").allTextContents();
  const panel = page.locator("aside.panel");
  const title = () => panel.locator("h2").textContent();
  const copied = () => page.evaluate(() => navigator.clipboard.readText());

  await page.goto(`${view}/trace/${ID}`);
  const all = ["POST /orders/{id}", "GET", "GET /stock/{id}", "SELECT stock", "postgresql stock", "render the order"];
  assert.deepEqual(await names(), all);
  assert.equal(await page.locator(".waterfall li.failed").count(), 3);
  assert.equal(await page.locator(".waterfall li.peer .hint").textContent(), "not instrumented");
  await look(page, "trace");

  // The whole row is the link to the details, which come without a new page.
  await page.evaluate(() => (window.same = true));
  const bar = await page.locator(".waterfall li").nth(2).locator("svg").boundingBox();
  await page.mouse.click(bar.x + bar.width - 5, bar.y + 5);
  await panel.waitFor();
  assert.equal(await title(), "GET /stock/{id}");
  assert.ok(page.url().includes("?span=0000000b00000004"));
  assert.ok((await panel.textContent()).includes("OutOfStock"));
  await look(page, "span");

  // It leads to the visit before, and the visit behind leads to it.
  assert.deepEqual(await panel.locator(".entries a:not(.alike)").allTextContents(), [
    "0000abcd00000000000000000000000a / 0000000a00000001",
  ]);
  await panel.getByText("As a command of curl").click();
  await panel.getByText("Copy", { exact: true }).click();
  await until(page, () => document.querySelector("aside")?.textContent.includes("Copied"));
  assert.equal(
    await copied(),
    `curl -X GET 'http://back:8080/stock/42' \\\n  -H 'traceparent: 00-${ID}-0000000b00000004-01'`,
  );
  await panel.getByText("JSON", { exact: true }).click();
  await until(page, () => document.querySelector(".deeds")?.textContent.includes("Copied"));
  assert.equal(JSON.parse(await copied()).name, "GET /stock/{id}");
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
  assert.ok(!page.url().includes("span="));
  await page.goBack();
  await panel.waitFor();
  assert.equal(await title(), "GET /stock/{id}");
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });

  // By keys: down, the details, folded and unfolded.
  await page.evaluate(() => document.activeElement?.blur());
  for (const key of ["j", "ArrowDown", "ArrowDown", "k", "ArrowUp", "ArrowDown", "Enter"]) await page.keyboard.press(key);
  await panel.waitFor();
  assert.equal(await title(), "GET");
  await page.keyboard.press("ArrowLeft");
  assert.deepEqual(await names(), ["POST /orders/{id}", "GET", "render the order"]);
  await page.keyboard.press("ArrowRight");
  assert.deepEqual(await names(), all);

  // From error to error, round the corner.
  const errors = [];
  for (let count = 0; count < 4; count += 1) {
    const before = page.url();
    await page.keyboard.press("e");
    await until(page, (before) => location.href !== before, before);
    await until(page, () => document.querySelector("aside a.close")?.href.includes(location.pathname));
    await until(page, () => document.querySelector("li.chosen")?.id === `span-${new URL(location.href).searchParams.get("span")}`);
    errors.push(await title());
  }
  assert.deepEqual(errors, ["GET /stock/{id}", "POST /orders/{id}", "GET", "GET /stock/{id}"]);
  await page.keyboard.press("E");
  await shows(page, "aside h2", ["GET"]);
  await page.keyboard.press("e");
  await shows(page, "aside h2", ["GET /stock/{id}"]);

  // Only the time of the span, then all of it; then what is drawn over.
  await page.keyboard.press("z");
  await until(page, () => location.search.includes("from="));
  await until(page, () => document.querySelector(".axis").dataset.from > 0);
  await look(page, "zoom");
  await page.keyboard.press("0");
  await until(page, () => !location.search.includes("from="));
  await until(page, () => document.querySelector(".axis").dataset.from === "0");
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
  const marks = await page.locator(".axis .marks").boundingBox();
  await page.mouse.move(marks.x + marks.width / 2, marks.y + 5);
  await page.mouse.down();
  await page.mouse.move(marks.x + (marks.width * 3) / 4, marks.y + 5, { steps: 4 });
  await page.mouse.up();
  await until(page, () => document.querySelector(".axis").dataset.from > 0);
  const [from, to] = ["from", "to"].map((name) => Number(new URL(page.url()).searchParams.get(name)) / 77e6);
  assert.ok(Math.abs(from - 0.5) < 0.02 && Math.abs(to - 0.76) < 0.03, `${from} to ${to}`);
  await page.keyboard.press("0");
  await until(page, () => document.querySelector(".axis").dataset.from === "0");

  // The log lines at their spans, and exactly those of one span.
  await page.keyboard.press("l");
  await until(page, () => document.querySelectorAll("li.line-row").length === 2);
  assert.deepEqual(await page.locator("li.line-row .text").allTextContents(), [
    "order placed", "7f3a", "none left of 42", "7f3a",
  ]);
  await look(page, "lines");
  await page.locator(".waterfall li.row .open").nth(2).click();
  await panel.waitFor();
  assert.deepEqual(await panel.locator(".message .text").allTextContents(), ["none left of 42", "7f3a"]);
  await panel.getByText("only these in the table").click();
  await shows(page, ".records .message .text", ["none left of 42", "7f3a"]);

  // What is found is marked.
  await page.goto(`${view}/trace/${ID}`);
  await page.keyboard.press("/");
  await page.keyboard.type("duration < 30ms");
  await page.keyboard.press("Enter");
  await until(page, () => document.querySelectorAll("li.hit").length === 2);
  await page.keyboard.press("n");
  await panel.waitFor();
  assert.equal(await title(), "SELECT stock");
  await look(page, "found");
  await page.keyboard.press("n");
  await shows(page, "aside h2", ["render the order"]);
  await page.keyboard.press("N");
  await shows(page, "aside h2", ["SELECT stock"]);
  assert.equal(await page.evaluate(() => window.same), undefined);

  // Backlinks: the visit behind points here.
  await page.goto(`${view}/trace/${ID}?span=0000000b00000001`);
  assert.ok((await panel.textContent()).includes("Linked from 1back GET /stock/{id} 0000abcd"));
  await page.setViewportSize({ width: 390, height: 800 });
  await look(page, "trace-narrow");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing is cut off");
});
