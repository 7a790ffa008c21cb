// Switches between the light and the dark theme without a reload.
export function startTheme() {
  document.addEventListener("submit", (e) => {
    if (!("themes" in e.target.dataset)) return;
    e.preventDefault();
    setTheme(e.target, e.submitter.value);
  });
}

function setTheme(form, value) {
  document.documentElement.dataset.theme = value;
  for (const b of form.querySelectorAll("button")) b.ariaPressed = String(b.value === value);
  const body = new URLSearchParams({ theme: value });
  fetch(form.action, { method: "POST", body, headers: { "X-Left4me": "live" } }).catch(() => {});
}
