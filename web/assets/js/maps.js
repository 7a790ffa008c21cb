// The maps that a form offers to begin with are those that its stack has. Without
// this all maps of all overlays are offered, each with the overlay that has it.
export function startMaps() {
  const list = document.querySelector("#maps");
  const form = list?.closest("form");
  if (!form) return;
  const narrow = () => {
    const base = form.querySelector("#blueprint")?.selectedOptions[0]?.dataset.overlays ?? "";
    const stacked = new Set(base.split(" "));
    for (const input of form.querySelectorAll("input[name=overlay]")) stacked.add(input.value.trim().split("@")[0]);
    for (const o of list.options) o.disabled = "overlay" in o.dataset && !stacked.has(o.dataset.overlay);
  };
  form.addEventListener("change", narrow);
  narrow();
}
