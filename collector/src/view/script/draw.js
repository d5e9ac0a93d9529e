// To draw over what has the attribute `data-draw` asks for the time that was drawn over, out of that from `data-from` to
// `data-to` there or around it: as another form of the page, or with `data-load` as a page of its own.

import { go } from "./swap.js";

let drawn;

document.addEventListener("pointerdown", (event) => {
  const marks = event.target.closest("[data-draw]");
  if (!marks || event.button) return;
  const shade = document.createElement("span");
  shade.className = "shade";
  marks.append(shade);
  // What arrives meanwhile may change the page.
  const { from: start, to: end } = marks.closest("[data-from]").dataset;
  drawn = { marks, shade, from: event.clientX, extent: [BigInt(start), BigInt(end)] };
  event.preventDefault();
});

function share(marks, x) {
  const { left, width } = marks.getBoundingClientRect();
  const padding = parseFloat(getComputedStyle(marks).paddingLeft);
  return Math.min(1, Math.max(0, (x - left - padding) / (width - 2 * padding)));
}

document.addEventListener("pointermove", (event) => {
  if (!drawn) return;
  const [from, to] = [drawn.from, event.clientX].sort((a, b) => a - b);
  const left = drawn.marks.getBoundingClientRect().left;
  drawn.marks.append(drawn.shade);
  Object.assign(drawn.shade.style, { left: `${from - left}px`, width: `${to - from}px` });
});

document.addEventListener("pointerup", (event) => {
  if (!drawn) return;
  const { marks, shade, extent } = drawn;
  const [from, to] = [share(marks, drawn.from), share(marks, event.clientX)].sort((a, b) => a - b);
  drawn = undefined;
  shade.remove();
  if (to - from < 0.005) return;
  // Numbers of JavaScript have no room for nanoseconds since 1970.
  const [start, end] = extent;
  const moment = (share) => String(start + BigInt(Math.round(share * Number(end - start))));
  const address = new URL(location.href);
  address.searchParams.set("from", moment(from));
  address.searchParams.set("to", moment(to));
  if ("load" in marks.dataset) location.assign(address);
  else go(address.href);
});
