// Keeps the keyboard where it is while a part of the page changes under it.
const controls = "a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), summary";
let missing; // name of the control whose place has the focus until a control is there again

// keepFocus makes a change of a part. When the control that has the focus goes
// with it, the focus waits in its place: buttons of a server go while it stops
// and come back. Without this it would jump to the top of the page.
export function keepFocus(part, change) {
  const was = document.activeElement;
  if (!part.contains(was)) return change();
  const around = [];
  for (let el = was; el !== part; el = el.parentElement) around.push(el.parentElement);
  const waits = was.matches("[data-place]");
  if (!waits) missing = nameOf(was);
  change();
  if (was.isConnected && !waits && !was.disabled) {
    if (document.activeElement !== was) was.focus({ preventScroll: true }); // it was moved
    return;
  }
  const place = waits && was.isConnected ? was : around.find((el) => el.isConnected);
  if (!place) return;
  const all = [...place.querySelectorAll(controls)].filter((el) => el.checkVisibility());
  const next = all.find((el) => nameOf(el) === missing) ?? all[0];
  if (next) next.focus({ preventScroll: true });
  else if (place !== document.activeElement) hold(place);
}

const nameOf = (el) => el.ariaLabel || el.textContent.trim();

function hold(place) {
  place.tabIndex = -1;
  place.dataset.place = "";
  place.focus({ preventScroll: true });
  place.addEventListener("blur", () => (place.removeAttribute("tabindex"), delete place.dataset.place), { once: true });
}
