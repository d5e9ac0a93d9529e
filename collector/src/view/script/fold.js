// The folds of the waterfall: what the reader folded or unfolded stays so when the page is brought up to date.

// So many are fetched again; what was unfolded before is folded again.
const MOST = 20;

// The ids of rows that are folded, and the places of those that were fetched, oldest first.
const folded = new Set();
const unfolded = [];

const depth = (row) => Number(row.dataset.depth);

// Which rows a link brings: those below a span, but for some.
function place(link) {
  const asked = new URL(link.getAttribute("href"), location.href).searchParams;
  return { under: asked.get("under"), skip: Number(asked.get("skip")) };
}

export function refold() {
  let below = Infinity;
  for (const row of document.querySelectorAll(".waterfall li.row")) {
    row.hidden = depth(row) > below;
    if (row.hidden) continue;
    below = folded.has(row.id) ? depth(row) : Infinity;
    const fold = row.querySelector(".fold:not([data-fetch])");
    fold?.setAttribute("aria-expanded", String(!folded.has(row.id)));
  }
}

export function toggle(row) {
  if (!folded.delete(row.id)) folded.add(row.id);
  refold();
}

// Rows come in place of those that stand for them, or below the span whose descendants they are; the first of them, or
// nothing where the collector has none.
async function fill(link) {
  const address = new URL(link.getAttribute("href"), location.href);
  address.pathname += "/rows";
  const answer = await fetch(address);
  if (!answer.ok) return undefined;
  const row = link.closest("li");
  const page = new DOMParser().parseFromString(`<ol>${await answer.text()}</ol>`, "text/html");
  const rows = [...page.querySelector("ol").children];
  row.after(...rows);
  if (row.matches(".gap")) {
    row.remove();
  } else {
    link.removeAttribute("data-fetch");
    link.setAttribute("aria-expanded", "true");
    link.nextElementSibling?.matches(".badge") && link.nextElementSibling.remove();
  }
  return rows[0];
}

export async function unfold(link) {
  folded.delete(link.closest("li").id);
  const first = await fill(link);
  if (!first) return location.assign(link.href);
  unfolded.push(place(link));
  if (unfolded.length > MOST) unfolded.shift();
  first.querySelector("[data-row]")?.focus({ preventScroll: true });
  refold();
}

// Unfolds in a page that was just fetched what is unfolded in this one.
export async function complete(page) {
  for (const { under, skip } of unfolded) {
    const links = [...page.querySelectorAll(".waterfall a[data-fetch]")].filter((link) => place(link).under === under);
    // What came meanwhile may have moved it.
    const far = (link) => Math.abs(place(link).skip - skip);
    const [link] = links.sort((one, other) => far(one) - far(other));
    if (link) await fill(link);
  }
}
