// Makes an element equal to another one with as few changes as possible: what stays the same stays the same element,
// with its focus, its place and what was opened in it.

// What the reader changes, not the program.
const KEPT = new Set(["open"]);

const name = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.id || "" : "");

const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && name(a) === name(b);

export function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  // Somebody is typing there.
  if (old === document.activeElement && old.matches("input, select, textarea")) return;
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !KEPT.has(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (!KEPT.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  children(old, fresh);
}

function children(old, fresh) {
  const named = new Map();
  for (const child of old.children) if (name(child)) named.set(name(child), child);
  let at = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const known = named.get(name(wanted));
    if (known && alike(known, wanted)) {
      if (known === at) at = at.nextSibling;
      else old.insertBefore(known, at);
      morph(known, wanted);
    } else if (!name(wanted) && at && alike(at, wanted)) {
      const next = at.nextSibling;
      morph(at, wanted);
      at = next;
    } else {
      if (name(wanted)) wanted.classList?.add("new");
      old.insertBefore(wanted, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}
