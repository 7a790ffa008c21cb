// Restores the scroll position of a page after one of its forms was submitted.
const key = "place";

export function startPlace() {
  restore();
  showCurrentTab();
  addEventListener("submit", (e) => {
    if (e.defaultPrevented || e.target.method !== "post") return;
    const place = { path: location.pathname, y: scrollY, action: e.target.getAttribute("action"), button: nameOf(e.submitter) };
    sessionStorage.setItem(key, JSON.stringify(place));
  });
}

const nameOf = (button) => (button ? [button.name, button.value, button.ariaLabel || button.textContent.trim()].join("\n") : "");

function restore() {
  const saved = sessionStorage.getItem(key);
  sessionStorage.removeItem(key);
  // A note at the top shows the result, and a form with invalid fields has focused the first.
  if (!saved || location.hash || document.querySelector("main :is([autofocus], [role='alert']:not(:empty), .told, .once)")) return;
  const place = JSON.parse(saved);
  if (place.path !== location.pathname) return;
  scrollTo(0, place.y);
  const forms = [...document.forms].filter((form) => form.getAttribute("action") === place.action);
  const buttons = forms.flatMap((form) => [...form.querySelectorAll("button")]);
  const button = buttons.find((b) => nameOf(b) === place.button) ?? buttons[0];
  button?.focus({ preventScroll: true });
}

// showCurrentTab scrolls a bar of tabs, which is wider than a phone, to the current tab.
function showCurrentTab() {
  for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
    const bar = tab.parentElement;
    bar.scrollLeft += tab.getBoundingClientRect().left - bar.getBoundingClientRect().left - (bar.clientWidth - tab.clientWidth) / 2;
  }
}
