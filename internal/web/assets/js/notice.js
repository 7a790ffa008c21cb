// The notice at the bottom of a page with the reason why an action failed.
let hide;

export function notice(text) {
  const box = document.getElementById("notice");
  box.textContent = text;
  box.hidden = !text;
  clearTimeout(hide);
  if (text) hide = setTimeout(() => (box.hidden = true), 12_000);
}
