// The buttons that copy an address, a token or a command.
import { translate } from "./texts.js";

export function startCopy() {
  document.addEventListener("click", async (e) => {
    const button = e.target.closest("[data-copy]");
    if (!button) return;
    const word = button.querySelector("span");
    const copied = await copy(document.querySelector(button.dataset.copy));
    word.textContent = copied ? translate("script.panel.copied") : translate("script.panel.selected");
    button.dataset.copied = copied; // styles small buttons, which hide the text
    setTimeout(() => ((word.textContent = translate("script.panel.copy")), delete button.dataset.copied), 1500);
  });
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
