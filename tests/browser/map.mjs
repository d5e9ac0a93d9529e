// The map: from an edge to the traces behind it, from a node to its routes.

import assert from "node:assert/strict";
import { look, view, visit } from "./browser.mjs";

const { TRACE } = process.env;

await visit(async (page) => {
  await page.goto(`${view}/map`);
  const nodes = await page.locator(".node .name").allTextContents();
  assert.deepEqual(nodes.sort(), ["back", "db:5432", "front", "outside"]);
  assert.equal(await page.locator("a.edge").count(), 3);
  assert.equal(await page.locator("a.edge.bad").count(), 1);
  // Each has its figures, none of them crossed out or crowded; the table has all of them.
  const figures = await page.locator(".map > svg > .figures").evaluateAll((all) => all.map((one) => [...one.querySelectorAll("text")].map((line) => line.textContent)));
  assert.deepEqual(figures.sort(), [
    ["1.0/s · 2.5 %", "88.0 / 130 ms"],
    ["1.0/s", "20.0 / 20.0 ms"],
    ["1.0/s", "84.0 / 126 ms"],
  ]);
  const cells = await page.locator("table.edges tbody tr").evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim())));
  assert.deepEqual(cells.map((row) => [row[0], row[1], row[2], row[4]]).sort(), [
    ["back", "db:5432", "40", "0"],
    ["front", "back", "40", "0"],
    ["outside", "front", "40", "2.5 %"],
  ]);
  await look(page, "map");

  // In the middle of the curve, whose box is not where it is.
  const edge = page.locator("a.edge", { has: page.locator("title", { hasText: "front to back" }) });
  const { x, y } = await edge.locator(".reach").evaluate((path) => {
    const middle = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM());
    return { x: middle.x, y: middle.y };
  });
  await page.mouse.click(x, y);
  await page.waitForURL(/from=front&to=back/);
  assert.equal(await page.locator(".calls table").count(), 2);
  assert.equal(await page.locator(".calls table").first().locator("tbody tr").count(), 10);
  assert.equal(await page.locator("a.edge.chosen").count(), 1);
  await look(page, "map-calls");

  await page.locator("table.routes:not(.edges) a", { hasText: "POST /orders" }).click();
  await page.waitForURL(/route=/);
  assert.equal(await page.locator("table.routes:not(.edges) tr.chosen").count(), 1);
  await page.locator(".calls a[data-row]").first().click();
  await page.waitForURL(/\/trace\/[0-9a-f]{32}/);

  await page.goto(`${view}/map`);
  await page.locator(".node", { hasText: "back" }).click();
  await page.waitForURL(/service=back/);
  assert.deepEqual(await page.locator("table.routes:not(.edges) .name").allTextContents(), ["POST /charge/{card}"]);

  // The window before the latest call has fewer of them.
  await page.getByRole("link", { name: "1 min", exact: true }).click();
  await page.waitForURL(/last=60/);
  await page.goto(`${view}/map?last=5&from=outside%3Aoutside&to=front`);
  assert.ok(!(await page.locator(".calls").innerText()).includes(TRACE));
  await page.setViewportSize({ width: 380, height: 800 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await look(page, "map-narrow");
});
