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

// bases are the modes whose chapters other modes use, see left4me.LacksMode.
const bases = { realism: "coop", teamversus: "versus", teamscavenge: "scavenge" };
const known = ["coop", "versus", "survival", "scavenge"];

// lacks reports whether a map with these modes, separated by spaces, does not have a mode.
function lacks(modes, mode) {
  const base = bases[mode] ?? mode;
  const has = modes?.split(" ") ?? [];
  return Boolean(modes) && known.includes(base) && !has.includes(base) && !has.includes(mode);
}

// startModes offers only the modes of the chosen map, in the forms that change the map and in the settings.
// Without this script, the server refuses the others.
export function startModes() {
  const narrow = () => {
    for (const select of document.querySelectorAll("select[data-modes-of]")) {
      const modes = document.getElementById(select.dataset.modesOf)?.selectedOptions[0]?.dataset.modes;
      for (const o of select.options) o.hidden = o.disabled = lacks(modes, o.value);
      if (select.selectedOptions[0]?.disabled) select.value = "";
    }
    const map = document.querySelector("input#map");
    const chosen = map && [...(document.getElementById("maps")?.options ?? [])].find((o) => o.value === map.value.trim().toLowerCase());
    for (const o of document.getElementById("modes")?.options ?? []) o.disabled = lacks(chosen?.dataset.modes, o.value);
  };
  document.addEventListener("change", narrow);
  document.addEventListener("focusin", (e) => e.target.matches("select[data-modes-of], #mode") && narrow());
  narrow();
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
    const body = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
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
