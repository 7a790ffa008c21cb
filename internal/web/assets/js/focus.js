// Keeps the keyboard focus in place while a part of the page is replaced.
const controls = "a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), summary";
let missing; // name of the removed control whose container holds the focus

// keepFocus calls change, which changes the part. If change removes the focused control, its container
// holds the focus until a control appears: buttons of a server disappear while the server stops, and
// return afterwards. Otherwise the focus would jump to the top of the page.
export function keepFocus(part, change) {
  const was = document.activeElement;
  if (!part.contains(was)) return change();
  const around = [];
  for (let el = was; el !== part; el = el.parentElement) around.push(el.parentElement);
  const waits = was.matches("[data-place]");
  if (!waits) missing = nameOf(was);
  change();
  if (was.isConnected && !waits && !was.disabled) {
    if (document.activeElement !== was) was.focus({ preventScroll: true }); // moving an element removes its focus
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
