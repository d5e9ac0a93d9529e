// The waterfall: folds rows, shows the details of a span.

import { refold, toggle, unfold } from "./fold.js";
import { go } from "./swap.js";

const waterfall = () => document.querySelector(".waterfall");

// The bar and the details of a span come alone; the address is that of the page with them.
async function select(row, address) {
  const only = [address, new URL(location.href)].some((it) => it.searchParams.has("only"));
  if (only) return go(address.href);
  const details = new URL(address);
  details.pathname += "/details";
  const answer = await fetch(details);
  if (!answer.ok) return location.assign(address);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const panel = page.querySelector("aside");
  waterfall().querySelectorAll("li.chosen").forEach((row) => row.classList.remove("chosen"));
  waterfall().querySelectorAll("aside").forEach((panel) => panel.remove());
  document.getElementById("trace").classList.toggle("with-panel", Boolean(panel));
  if (panel) {
    row.classList.add("chosen");
    row.append(document.adoptNode(panel));
  }
  const bar = page.getElementById("tools");
  if (bar) document.getElementById("tools").replaceWith(document.adoptNode(bar));
  history.pushState(null, "", address);
  document.dispatchEvent(new Event("refreshed"));
}

function close(row) {
  const address = new URL(location.href);
  for (const name of ["span", "only"]) address.searchParams.delete(name);
  address.hash = "";
  select(row, address);
  row.querySelector("[data-row]")?.focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const row = event.target.closest(".waterfall li");
  if (!row || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const link = event.target.closest("a");
  if (link?.matches("[data-fetch]")) unfold(link);
  else if (link?.matches(".fold")) toggle(row);
  else if (link?.matches(".close") || (link?.matches(".open") && row.matches(".chosen"))) close(row);
  else if (link?.matches(".open")) select(row, new URL(link.href));
  else return;
  event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  const row = document.activeElement?.closest(".waterfall li");
  const fold = row?.querySelector(".fold");
  if (!fold || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
  event.preventDefault();
  if ((event.key === "ArrowRight") !== (fold.getAttribute("aria-expanded") === "true")) fold.click();
});

document.addEventListener("refreshed", refold);
