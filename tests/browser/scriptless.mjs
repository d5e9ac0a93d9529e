// Without a script: forms have a button, rows are links, and what is folded is a page of its own.

import assert from "node:assert/strict";
import { view, visit } from "./browser.mjs";

await visit(
  async (page) => {
    await page.goto(`${view}/`);
    assert.equal(await page.locator("#live").isVisible(), false);
    await page.fill("#q", "status = error and service = back");
    await page.getByRole("button", { name: "Apply" }).click();
    assert.equal(await page.locator("table.traces tbody tr").count(), 1);
    await page.locator("table.traces [data-row]").click();
    await page.locator(".waterfall .open", { hasText: "GET /stock/{id}" }).click();
    assert.equal(await page.locator("aside h2").textContent(), "GET /stock/{id}");
    await page.locator("aside .close").click();
    assert.equal(await page.locator("aside").count(), 0);

    await page.goto(`${view}/trace/0000abcd000000000000000000000063`);
    assert.equal(await page.locator(".waterfall li[id]").count(), 500);
    await page.locator(".fold[aria-expanded=false]").first().click();
    const shown = await page.locator(".waterfall li .name").allTextContents();
    assert.equal(shown.length, 100);
    assert.ok(shown[0].startsWith("group ") && shown[1].endsWith(".1") && shown[99].endsWith(".99"), shown[0]);
    await page.getByText("All spans").click();
    await page.locator("a.more").first().click();
    await page.waitForURL(/skip=/);
    // From a part of the trace, too.
    await page.getByText("Next of 1 error").click();
    assert.equal(await page.locator("aside h2").textContent(), "item 19.99");
    assert.equal(await page.locator("li.chosen .name").textContent(), "item 19.99");

    // The other pages, by their links and forms alone.
    await page.getByRole("link", { name: "Logs", exact: true }).click();
    await page.getByLabel("Level").selectOption("error");
    await page.getByRole("button", { name: "Apply" }).click();
    assert.deepEqual(await page.locator("table.lines .level").allTextContents(), ["ERROR"]);
    await page.locator("table.lines a[data-row]").click();
    await page.waitForURL(/\/trace\//);
    await page.getByRole("link", { name: "Map", exact: true }).click();
    await page.locator("table.edges a", { hasText: "back" }).click();
    assert.equal(await page.locator(".calls table").count(), 2);
    await page.getByRole("link", { name: "Pipeline", exact: true }).click();
    assert.equal(await page.getByText("Choose files").isVisible(), false);
    assert.ok(await page.getByRole("link", { name: "Export all that is kept" }).isVisible());
    await page.goto(`${view}/?route=${encodeURIComponent("POST /orders/{id}")}`);
    await page.locator("td.pick input").nth(0).check();
    await page.locator("td.pick input").nth(1).check();
    await page.getByRole("button", { name: "Compare the two" }).click();
    assert.equal(await page.locator("table.compared").count(), 1);
  },
  { javaScriptEnabled: false },
);
