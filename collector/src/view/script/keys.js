// Keys press what has the attribute `data-key`, and go from row to row: a row is what has the attribute `data-row`.

const typing = (element) => element.closest("input:not([type=checkbox]), select, textarea, dialog, [contenteditable]");

const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.checkVisibility());

function step(forward) {
  const all = rows();
  const here = all.indexOf(document.activeElement?.closest("[data-row]"));
  const next = all[here < 0 ? (forward ? 0 : all.length - 1) : here + (forward ? 1 : -1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function press(key) {
  const row = document.activeElement?.closest("tr, li");
  const wanted = `[data-key="${CSS.escape(key)}"]`;
  // What stands in a row of a table is pressed there only.
  const others = [...document.querySelectorAll(wanted)].filter((element) => !element.closest("tr"));
  const element = row?.querySelector(wanted) ?? others[0];
  if (!element || !element.checkVisibility({ visibilityProperty: true })) return false;
  if (element.matches("input:not([type=checkbox]), select")) {
    element.focus();
    element.select?.();
  } else {
    element.click();
  }
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target)) {
    if (event.key === "Escape" && event.target.matches("input")) event.target.blur();
    return;
  }
  const steps = { j: true, ArrowDown: true, k: false, ArrowUp: false };
  if (event.key in steps && rows().length > 0) {
    step(steps[event.key]);
  } else if (!press(event.key)) {
    return;
  }
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  // A click beside a dialog closes it.
  if (event.target instanceof HTMLDialogElement) event.target.close();
});
