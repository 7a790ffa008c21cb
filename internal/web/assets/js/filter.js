// Filters the list while the user types, and keeps the filter in the address.
let input;

const words = () => input.value.toLowerCase().split(/\s+/).filter(Boolean);

export function startFilter() {
  input = document.querySelector("[data-filter]");
  if (!input) return;
  input.addEventListener("input", () => {
    refilter(document);
    const url = new URL(location.href);
    if (input.value) url.searchParams.set("q", input.value);
    else url.searchParams.delete("q");
    history.replaceState(null, "", url);
    keepInLinks();
  });
  input.form.addEventListener("submit", (e) => {
    if (e.submitter?.name !== "sort") e.preventDefault();
  });
  startTicks();
  refilter(document);
}

// keepInLinks puts the filter into the links that sort the list.
function keepInLinks() {
  for (const link of document.querySelectorAll("a.sort")) {
    const url = new URL(link.href);
    url.searchParams.set("q", input.value);
    link.href = url;
  }
}

// startTicks makes the tick box in the heading of a list select the rows that are shown.
function startTicks() {
  document.addEventListener("change", (e) => {
    const all = e.target.dataset.tickAll;
    if (!all) return;
    for (const box of document.querySelectorAll(`${all} > tr:not([hidden]) > .tick > input`)) box.checked = e.target.checked;
  });
}

// refilter shows the rows in root that match the filter and hides the others. The attribute data-find of a
// row holds its searchable text.
export function refilter(root) {
  if (!input) return;
  const want = words();
  const rows = root.matches?.("[data-find]") ? [root] : root.querySelectorAll("[data-find]");
  for (const row of rows) {
    const hidden = !want.every((w) => row.dataset.find.includes(w));
    if (row.hidden !== hidden) row.hidden = hidden;
  }
  const none = document.getElementById("no-match");
  if (none) none.hidden = !!document.querySelector("[data-find]:not([hidden])");
}
