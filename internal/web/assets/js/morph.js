// Makes an element equal to another one by changing only the differences. Focus, selection, open details
// elements and typed text are kept.

// own lists the attributes that scripts and users change, by element. morph does not change them.
const own = { DETAILS: ["open"], INPUT: ["value", "checked", "hidden"], TR: ["hidden"], BUTTON: ["hidden", "aria-busy"], TIME: ["title"] };

export function morph(from, to) {
  if (from.isEqualNode(to)) return;
  if (from.tagName === "TIME" && from.dateTime === to.dateTime) return; // times.js has localized its text
  if ("busy" in from.dataset) return; // upload.js shows an upload
  if (from.dataset.copied) return; // copy.js temporarily shows the result of the copy
  attributes(from, to);
  if (from.tagName !== "TEXTAREA") children(from, to);
}

function attributes(from, to) {
  const keep = from.matches("[data-place]") ? ["tabindex", "data-place"] : own[from.tagName] || []; // set by focus.js
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
      if (want.nodeType === Node.ELEMENT_NODE) showScripted(want);
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

// showScripted shows the controls that require scripts, in an element that was just added to the page.
export function showScripted(el) {
  for (const one of [el, ...el.querySelectorAll("[data-script]")]) if (one.matches("[data-script]")) one.hidden = false;
}

// alike reports whether morph may turn node a into b: both have the same kind and no id.
function alike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && !a.id && !b.id;
}
