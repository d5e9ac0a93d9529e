// Brings up to date what has the attribute `data-live`, when something of these signals came, or of the page's trace: at
// most ten times a second, not while the page is paused or not looked at, and never faster than pages are made.

import { complete } from "./fold.js";
import { morph } from "./morph.js";

const PACE = 100;
// Of the time, at most a third is spent on making pages.
const REST = 2;

const button = document.getElementById("live");
const regions = () => document.querySelectorAll("[data-live]");

let source;
let shown = {};
let newest = {};
let clock = 0;
let busy = false;
let paused = false;

function stale() {
  const signals = new Set([...regions()].flatMap((region) => region.dataset.live.split(" ")));
  return [...signals].some((signal) => (signal === "time" ? clock > (shown.time ?? 0) : newest[signal] !== shown[signal]));
}

async function refresh() {
  if (busy || paused || document.hidden || !stale()) return;
  busy = true;
  const began = performance.now();
  const next = { ...newest, time: clock };
  const address = location.href;
  try {
    const answer = await fetch(address, { headers: { accept: "text/html" } });
    if (answer.ok || answer.status === 404) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      await complete(page);
      // The reader may have gone on meanwhile.
      if (address === location.href && !paused) {
        for (const region of regions()) {
          const fresh = page.getElementById(region.id);
          if (fresh) morph(region, document.adoptNode(fresh));
        }
        document.dispatchEvent(new Event("refreshed"));
      }
      shown = next;
    }
  } catch {
    // The program is away; its stream tells when it is back.
    shown = next;
  }
  setTimeout(
    () => {
      busy = false;
      refresh();
    },
    Math.max(PACE, REST * (performance.now() - began)),
  );
}

function tell(state, words) {
  button.dataset.state = state;
  button.textContent = words;
  button.setAttribute("aria-pressed", String(paused));
}

function listen() {
  source?.close();
  source = undefined;
  if (paused) return tell("paused", "Paused");
  // A browser has six connections to a program: one for each page that is looked at.
  if (document.hidden) return;
  tell("waiting", "Live");
  const trace = document.querySelector("[data-trace]")?.dataset.trace;
  source = new EventSource(trace ? `/live?trace=${trace}` : "/live");
  source.onmessage = (event) => {
    newest = JSON.parse(event.data);
    tell("live", "Live");
    refresh();
  };
  source.onerror = () => {
    tell("away", "Away");
    // A stream that was refused is not asked for again by itself.
    if (source?.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  };
}

if (button) {
  button.addEventListener("click", () => {
    paused = !paused;
    listen();
    refresh();
  });
  document.addEventListener("visibilitychange", listen);
  setInterval(() => {
    clock += 1;
    refresh();
  }, 1000);
  listen();
}
