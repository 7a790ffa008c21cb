import { morph } from "./morph.js";

// startMaps limits the choices for the first map to the maps of the stacked overlays. Without this script,
// the form offers the maps of all overlays, with the name of the overlay.
export function startMaps() {
  const list = document.querySelector("#maps");
  const form = list?.closest("form");
  if (!form) return;
  const narrow = () => {
    const base = form.querySelector("#blueprint")?.selectedOptions[0]?.dataset.overlays ?? "";
    const stacked = new Set(base.split(" "));
    for (const input of form.querySelectorAll("input[name=overlay]")) stacked.add(input.value.trim().split("@")[0]);
    for (const o of form.querySelector("#maps").options) o.disabled = "overlay" in o.dataset && !stacked.has(o.dataset.overlay);
  };
  form.addEventListener("change", narrow);
  narrow();
  startBlueprint(form, narrow);
}

// startBlueprint shows the values of a blueprint as soon as the user chooses it, and keeps typed values.
// Without this script, the user presses a button.
function startBlueprint(form, narrow) {
  const select = form.querySelector("select#blueprint");
  const button = form.querySelector('button[value="blueprint"]');
  if (!button) return;
  button.hidden = true;
  let last = 0;
  select.addEventListener("change", async () => {
    const turn = ++last;
    const body = new URLSearchParams(new FormData(form));
    body.set(button.name, button.value);
    const answer = await fetch(form.action, { method: "POST", body }).catch(() => null);
    if (!answer?.ok) return void (button.hidden = false);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.querySelector("#maps")?.closest("form");
    if (!now || turn !== last) return;
    morph(form, now);
    form.dataset.changed = "";
    narrow();
  });
}
