// Every page is reached by its tab and by its number; the keys are told on `?`.

import assert from "node:assert/strict";
import { look, view, visit } from "./browser.mjs";

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
  await page.keyboard.press("?");
  await page.locator("dialog#keys[open]").waitFor();
  await look(page, "keys");
  await page.keyboard.press("Escape");
  await page.locator("dialog#keys:not([open])").waitFor({ state: "hidden" });
  await page.goto(`${view}/nowhere`);
  await look(page, "nowhere");
});
