// Makes an element equal to another one by changing only what differs, so that
// focus, selection, open details and typed text stay where they are.

// What scripts and people change themselves is left alone.
const own = { DETAILS: ["open"], INPUT: ["value", "checked"], TR: ["hidden"], BUTTON: ["hidden", "aria-busy"], TIME: ["title"] };

export function morph(from, to) {
  if (from.isEqualNode(to)) return;
  if (from.tagName === "TIME" && from.dateTime === to.dateTime) return; // it shows the reader's own words
  if (from.dataset.copied) return; // it says for a moment that something was copied
  attributes(from, to);
  if (from.tagName !== "TEXTAREA") children(from, to);
}

function attributes(from, to) {
  const keep = from.matches("[data-place]") ? ["tabindex", "data-place"] : own[from.tagName] || []; // focus.js
  for (const { name, value } of to.attributes) {
    if (!keep.includes(name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    if (!keep.includes(name) && !to.hasAttribute(name)) from.removeAttribute(name);
  }
}

function children(from, to) {
  const byId = new Map();
  for (const child of from.children) if (child.id) byId.set(child.id, child);
  let at = from.firstChild;
  for (const want of [...to.childNodes]) {
    const have = (want.id && byId.get(want.id)) || (at && alike(at, want) ? at : null);
    if (!have) {
      from.insertBefore(want, at);
      continue;
    }
    if (have === at) at = at.nextSibling;
    else from.insertBefore(have, at);
    if (have.nodeType === Node.ELEMENT_NODE) morph(have, want);
    else if (have.data !== want.data) have.data = want.data;
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

// A node without an id may become any other of its kind that has none either.
function alike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && !a.id && !b.id;
}
