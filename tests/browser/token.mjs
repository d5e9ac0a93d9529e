// Whoever has the printed address looks, and shows a cookie from then on.

import assert from "node:assert/strict";
import { look, view, visit } from "./browser.mjs";

await visit(async (page, context) => {
  await page.goto(process.env.INVITATION);
  assert.equal(page.url(), `${view}/`, "the token is no longer in the address");
  await page.locator("#live[data-state=live]").waitFor();
  const [cookie] = await context.cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
  assert.equal((await page.request.get(`${view}/api/traces`)).status(), 200);
  await look(page, "no-traces");
});
