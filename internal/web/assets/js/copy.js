// The buttons that copy an address, a token or a command.
import { translate } from "./texts.js";

export function startCopy() {
  document.addEventListener("click", async (e) => {
    const button = e.target.closest("[data-copy], [data-copy-text]");
    if (!button) return;
    const word = button.querySelector("span");
    const copied = await copy(button.dataset.copyText ? held(button) : document.querySelector(button.dataset.copy));
    word.textContent = copied ? translate("script.panel.copied") : translate("script.panel.selected");
    button.dataset.copied = copied; // styles small buttons, which hide the text
    setTimeout(() => ((word.textContent = translate("script.panel.copy")), delete button.dataset.copied), 1500);
  });
}

// held puts the text that a button names into the page, because only text in the page can be copied
// over plain HTTP.
function held(button) {
  const el = document.createElement("pre");
  el.className = "sr";
  el.textContent = button.dataset.copyText;
  button.after(el);
  setTimeout(() => el.remove(), 1500);
  return el;
}

// copy copies the text of an element. If it fails, copy leaves the text selected and returns false.
// navigator.clipboard does not exist over plain HTTP.
async function copy(el) {
  try {
    await navigator.clipboard.writeText(el.textContent);
    return true;
  } catch {
    const selection = getSelection();
    selection.selectAllChildren(el);
    if (!document.execCommand("copy")) return false;
    selection.removeAllRanges();
    return true;
  }
}
