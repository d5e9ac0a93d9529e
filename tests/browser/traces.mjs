// The list of traces: what is searched, chosen and sorted; two traces beside each other.

import assert from "node:assert/strict";
import { look, shows, view, visit } from "./browser.mjs";

await visit(async (page) => {
  await page.goto(`${view}/`);
  await page.locator("#live[data-state=live]").waitFor();
  const rows = page.locator("table.traces tbody tr");
  const durations = "td.took .value";
  const all = [84, 77, 70, 63, 56, 49, 42, 35, 28, 21, 14].map((millis) => `${millis}.0 ms`).concat("7.00 ms");
  const count = () => page.locator(".bar .count").textContent();
  assert.equal(await rows.count(), 12);
  await shows(page, durations, all);
  await look(page, "traces");

  // What is chosen is asked for at once.
  await page.selectOption("select[name=status]", "errors");
  await page.waitForURL("**/?status=errors");
  await shows(page, durations, ["77.0 ms"]);
  assert.equal(await count(), "1 trace · Export");
  await page.getByText("Clear", { exact: true }).click();
  await shows(page, durations, all);

  // Those of a service's routes, as the map calls them.
  const routes = () => page.locator("select[name=route] option").allTextContents();
  assert.deepEqual(await routes(), ["All routes", "GET /stock/{id}", "POST /orders/{id}"]);
  await page.selectOption("select[name=service]", "back");
  await page.waitForURL("**/?service=back");
  assert.deepEqual(await routes(), ["All routes", "GET /stock/{id}"]);
  await page.selectOption("select[name=route]", "GET /stock/{id}");
  await page.waitForURL("**/?service=back&route=*");
  await shows(page, durations, all);
  await page.goto(`${view}/?route=${encodeURIComponent("GET /nowhere")}`);
  assert.ok((await page.textContent("main")).includes("No trace passes the filter"));
  assert.equal(await page.locator("select[name=route]").inputValue(), "GET /nowhere");
  await page.getByText("Clear", { exact: true }).click();
  await shows(page, durations, all);

  await page.keyboard.press("/");
  await page.keyboard.type('http.route = "/orders/{id}" and duration > 70ms');
  await page.keyboard.press("Enter");
  await page.waitForURL("**/?q=*");
  await shows(page, durations, ["84.0 ms", "77.0 ms"]);
  await look(page, "search");

  await page.fill("#q", "duration > 50");
  await page.keyboard.press("Enter");
  await page.locator(".fault-line").waitFor();
  assert.equal(
    await page.locator(".fault-line").textContent(),
    "This search means nothing: at character 12: 50 is no duration; write it with its unit, such as 50ms.",
  );
  await look(page, "search-fault");

  await page.goto(`${view}/`);
  await page.getByRole("link", { name: "Duration" }).click();
  await page.waitForURL("**/?sort=duration");
  await page.getByRole("link", { name: "Duration" }).click();
  await shows(page, durations, all.toReversed());

  // A dot for each trace leads to it; to draw over the dots leaves those of that time.
  await page.goto(`${view}/`);
  assert.equal(await page.locator(".plot circle").count(), 12);
  assert.equal(await page.locator(".plot circle.failed").count(), 1);
  const plot = await page.locator(".plot").boundingBox();
  await page.mouse.move(plot.x + plot.width * 0.6, plot.y + 40);
  await page.mouse.down();
  await page.mouse.move(plot.x + plot.width - 2, plot.y + 40, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/from=\d{19}&to=\d{19}/);
  // They began every twenty seconds.
  await shows(page, durations, all.slice(0, 5));
  await look(page, "traces-of-a-time");
  await page.selectOption("select[name=status]", "errors");
  await page.waitForURL(/from=.*status=|status=.*from=/);
  await shows(page, durations, ["77.0 ms"]);
  await page.getByTitle("all times").click();
  await page.waitForURL("**/?status=errors");
  await page.locator(".plot a").first().click();
  await page.waitForURL("**/trace/0000abcd00000000000000000000000b");
  await page.goto(`${view}/?sort=-duration`);

  // From row to row by keys; two of them are compared.
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await page.keyboard.press("x");
  assert.equal(await page.locator(".pick input:checked").count(), 2);
  await page.keyboard.press("c");
  await page.waitForURL("**/compare?*");
  const told = await page.locator("table.compared td.number").allTextContents();
  assert.deepEqual(told, ["+7.00 ms", "+4.76 ms", "+4.41 ms", "+2.45 ms", "+980 µs"]);
  await look(page, "compare");

  // Whoever searches for an id gets the trace.
  await page.goto(`${view}/`);
  await page.fill("#q", "0000abcd00000000000000000000000b");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/trace/0000abcd00000000000000000000000b");

  await page.setViewportSize({ width: 390, height: 800 });
  await page.goto(`${view}/`);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing is cut off");
  await look(page, "traces-narrow");
});
