// Goes to another form of the same page without losing the place: links and forms with the attribute `data-swap` change
// only what is different there. Also copies what is asked for.

import { complete } from "./fold.js";
import { morph } from "./morph.js";

async function swap(address) {
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("content");
  if (!answer.ok || !fresh) return location.assign(address);
  await complete(page);
  morph(document.getElementById("content"), document.adoptNode(fresh));
  document.title = page.title;
  document.dispatchEvent(new Event("refreshed"));
  const row = new URL(address, location.href).hash.slice(1);
  if (row) document.getElementById(row)?.scrollIntoView({ block: "nearest" });
}

export function go(address) {
  history.pushState(null, "", address);
  swap(address);
}

const plain = (event) => !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button);

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap], a[data-copy], button[data-copy-before]");
  if (!link || !plain(event)) return;
  event.preventDefault();
  if (link.matches("[data-swap]")) go(link.href);
  else copy(link);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-swap]")) return;
  event.preventDefault();
  const chosen = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim() !== ""));
  const address = new URL(form.action);
  address.search = chosen.toString();
  document.activeElement?.blur();
  go(address.href);
});

addEventListener("popstate", () => {
  if (document.querySelector("[data-trace]")) swap(location.href);
});

async function copy(element) {
  const words = element.textContent;
  const text = element.href
    ? JSON.stringify(await (await fetch(element.href)).json(), null, 2)
    : element.previousElementSibling.textContent;
  try {
    await navigator.clipboard.writeText(text);
    element.textContent = "Copied";
    setTimeout(() => (element.textContent = words), 1500);
  } catch {
    // The browser does not allow it: the text itself is the next best.
    if (element.href) location.assign(element.href);
  }
}
