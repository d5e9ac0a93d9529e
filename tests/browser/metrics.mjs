// Instruments, charts, and from a point on the chart to its trace.

import assert from "node:assert/strict";
import { look, view, visit } from "./browser.mjs";

await visit(async (page) => {
  await page.goto(`${view}/metrics`);
  assert.ok((await page.locator("h1").innerText()).startsWith("http.server.request.duration"));
  const first = page.locator("figure.chart").first();
  assert.deepEqual(await first.locator(".legend .word").allTextContents(), ["p50", "p90", "p99"]);
  assert.equal(await first.locator("path.curve").count(), 3);
  assert.equal(await first.locator("a.exemplar").count(), 4);
  // One without a trace leads nowhere, and says so.
  const without = first.locator("g.exemplar.without");
  assert.equal(await without.count(), 4);
  assert.match(await without.first().locator("title").textContent(), /no trace$/);
  await look(page, "metrics");

  await page.getByRole("link", { name: "http.route", exact: true }).click();
  await page.waitForURL(/by=http.route/);
  assert.deepEqual(await first.locator(".legend .word").allTextContents(), ["/orders", "/returns"]);
  assert.match(await first.locator("figcaption").innerText(), /p99 by http.route/);
  await page.getByRole("link", { name: "p50", exact: true }).click();
  await page.waitForURL(/show=p50/);
  assert.match(await first.locator("figcaption").innerText(), /p50 by http.route/);
  await look(page, "metrics-by-route");
  await page.locator("table.series a.part", { hasText: "http.route=/returns" }).click();
  await page.waitForURL(/attribute=/);
  assert.deepEqual(await first.locator(".legend .word").allTextContents(), []);
  assert.equal(await page.locator("table.series tbody tr").count(), 1);

  await page.goto(`${view}/metrics`);
  const last = first.locator("a.exemplar").last();
  const target = await last.getAttribute("href");
  await last.locator(".reach").click();
  await page.waitForURL(`${view}${target}`);
  assert.equal(await page.locator(".panel").count(), 1);
  assert.match(await page.locator(".panel").innerText(), /POST \/orders/);

  await page.goto(`${view}/metrics`);
  await page.getByLabel("Search instruments").fill("memory nothing");
  await page.keyboard.press("Enter");
  await page.waitForURL(/find=/);
  assert.equal(await page.locator(".list .entry").count(), 0);

  await page.goto(`${view}/metrics`);
  await page.getByRole("link", { name: "Process and runtime" }).click();
  await page.waitForURL(/runtime/);
  const titles = await page.locator("figcaption").allInnerTexts();
  assert.deepEqual(titles.map((title) => title.split(/\s/)[0]), ["process.memory.usage", "tokio.alive_tasks"]);
  await look(page, "runtime");
  await page.setViewportSize({ width: 380, height: 800 });
  await page.goto(`${view}/metrics`);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await look(page, "metrics-narrow");
});

// Without a script, all by links and forms.
await visit(
  async (page) => {
    await page.goto(`${view}/metrics`);
    const first = page.locator("figure.chart").first();
    await page.getByRole("link", { name: "http.route", exact: true }).click();
    await page.waitForURL(/by=http.route/);
    await page.getByRole("link", { name: "p50", exact: true }).click();
    await page.waitForURL(/show=p50/);
    assert.match(await first.locator("figcaption").innerText(), /p50 by http.route/);
    await first.locator("a.exemplar .reach").last().click();
    await page.waitForURL(/\/trace\//);
    await page.goto(`${view}/metrics`);
    await page.getByRole("link", { name: "Process and runtime" }).click();
    await page.waitForURL(/\/metrics\/runtime/);
    assert.ok((await page.locator("figure.chart").count()) > 0);
  },
  { javaScriptEnabled: false },
);
