// What the scripts share: a real browser, a page that fails the test when it complains, pictures, and axe.
//
// The variables: MODULES, a folder with node_modules; CHROMIUM, the program; VIEW, the address of the view; PICTURES,
// where the pictures go.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";

const { CHROMIUM, MODULES, PICTURES, VIEW } = process.env;
const require = createRequire(`${MODULES}/`);
const { chromium } = require("playwright-core");
const axe = require("axe-core");

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const view = VIEW.replace(/\/$/, "");

/// Runs a test in a browser, and says "done" when nothing failed.
export async function visit(test, options = {}) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      // That a page is not there is its answer, not a fault of it.
      const missing = message.text().includes("status of 404");
      if (message.type() === "error" && !missing) complaints.push(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(`${view}/`) && !request.url().startsWith("data:")) {
        complaints.push(`asks elsewhere: ${request.url()}`);
      }
    });
    await test(page, context);
    assert.deepEqual(complaints, []);
    console.log("done");
  } finally {
    await browser.close();
  }
}

/// A picture of the page in both colour schemes, and what axe finds serious in each.
export async function look(page, name) {
  mkdirSync(PICTURES, { recursive: true });
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.screenshot({ path: `${PICTURES}/${name}-${colorScheme}.png` });
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => axe.run());
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    const told = serious.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
    assert.deepEqual(told, [], `${name}, ${colorScheme}`);
  }
}

/// How far what is seen moved while the page was loaded, in the measure of browsers.
export async function shift(page) {
  return page.evaluate(
    () =>
      new Promise((done) => {
        const sum = (list) => list.getEntries().reduce((sum, { value }) => sum + value, 0);
        const observer = new PerformanceObserver((list) => done(sum(list)));
        observer.observe({ type: "layout-shift", buffered: true });
        // After two frames there is nothing more to tell.
        requestAnimationFrame(() => requestAnimationFrame(() => done(0)));
      }),
  );
}

/// Waits until the elements that can be seen have these texts.
export async function shows(page, selector, texts) {
  const seen = () => page.locator(`${selector}:visible`).allTextContents();
  const limit = Date.now() + 20_000;
  while (Date.now() < limit) {
    if (JSON.stringify(await seen().catch(() => [])) === JSON.stringify(texts)) return;
    await new Promise((later) => setTimeout(later, 50));
  }
  assert.deepEqual(await seen(), texts, selector);
}

/// Waits until the page's answer is truthy.
export async function until(page, question, argument) {
  await page.waitForFunction(question, argument, { polling: 50 });
}
