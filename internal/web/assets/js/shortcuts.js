// Keyboard shortcuts: "/" focuses the filter, "?" lists the shortcuts, and "g" followed by a letter opens a page.
import { notice } from "./notice.js";
import { translate } from "./texts.js";

const wait = 1500; // ms in which the letter has to follow "g"
let goUntil = 0;

export function startShortcuts() {
  const pages = JSON.parse(document.body.dataset.go || "{}");
  document.addEventListener("keydown", (e) => {
    if (e.defaultPrevented || e.isComposing || e.ctrlKey || e.metaKey || e.altKey) return;
    if (types(e.composedPath()[0]) || document.querySelector("dialog[open]")) return;
    const letter = latin(e);
    const page = Date.now() < goUntil && pages[letter];
    goUntil = !page && letter === "g" ? Date.now() + wait : 0;
    if (page) location.assign(page);
    else if (e.key === "/") focusFilter(e);
    else if (e.key === "?" && document.body.dataset.go) list(e);
  });
}

// types reports whether an element accepts typed text.
const types = (el) => el.isContentEditable || (el.matches?.("input, textarea, select") && !/^(checkbox|radio|button|submit|file)$/.test(el.type));

// latin returns the letter of a key. On a keyboard with another script, the letter depends on the position of the key.
const latin = (e) => (/^[a-z]$/i.test(e.key) ? e.key : (/^Key([A-Z])$/.exec(e.code)?.[1] ?? "")).toLowerCase();

function focusFilter(e) {
  const filter = [...document.querySelectorAll("[type=search]")].find((el) => el.checkVisibility());
  if (!filter) return;
  e.preventDefault();
  filter.focus();
  filter.select();
}

// list shows the shortcuts, which the help page describes, in a dialog.
async function list(e) {
  e.preventDefault();
  let found;
  try {
    const answer = await fetch("/help");
    found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("shortcuts");
  } catch {}
  if (!found) return notice(translate("script.panel.unreachable"));
  if (document.querySelector("dialog[open]")) return;
  const before = document.activeElement;
  const dialog = document.createElement("dialog");
  const close = document.createElement("button");
  close.textContent = translate("script.panel.close");
  close.onclick = () => dialog.close();
  dialog.setAttribute("aria-labelledby", "shortcuts-title");
  found.removeAttribute("class");
  dialog.append(found, close);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => (dialog.remove(), before?.focus({ preventScroll: true })));
  document.body.append(dialog);
  dialog.showModal();
  close.focus({ preventScroll: true });
}
