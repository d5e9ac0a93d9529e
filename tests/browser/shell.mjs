// Every page is reached by its tab and by its number; the keys are told on `?`.

import assert from "node:assert/strict";
import { look, shift, view, visit } from "./browser.mjs";

await visit(async (page) => {
  await page.goto(`${view}/`);
  const tabs = await page.locator("nav.tabs a").allTextContents();
  assert.deepEqual(tabs, ["Traces", "Logs", "Metrics", "Map", "Pipeline"]);
  for (const [place, tab] of tabs.entries()) {
    await page.keyboard.press(String(place + 1));
    await page.waitForURL(`${view}${tab === "Traces" ? "/" : `/${tab.toLowerCase()}`}`);
    assert.equal(await page.locator("nav.tabs a[aria-current=page]").textContent(), tab);
    await look(page, tab.toLowerCase());
  }
  // Nothing moves while a page is loaded, however wide it is.
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    for (const tab of tabs) {
      await page.goto(`${view}${tab === "Traces" ? "/" : `/${tab.toLowerCase()}`}`);
      await page.locator("#live[data-state=live]").waitFor();
      const moved = await shift(page);
      assert.ok(moved < 0.005, `${tab} at ${width}: ${moved}`);
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.keyboard.press("?");
  await page.locator("dialog#keys[open]").waitFor();
  await look(page, "keys");
  await page.keyboard.press("Escape");
  await page.locator("dialog#keys:not([open])").waitFor({ state: "hidden" });
  await page.goto(`${view}/nowhere`);
  await look(page, "nowhere");
});
