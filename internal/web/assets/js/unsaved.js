// Asks for confirmation before the user leaves a page with unsaved values.
let sent; // the form that is being sent, whose values are not lost

export function startUnsaved() {
  markReturned();
  addEventListener("submit", (e) => {
    if (e.defaultPrevented) return;
    sent = e.target;
    setTimeout(() => (sent = null), 1000); // the user may have decided to stay
  });
  addEventListener("beforeunload", (e) => {
    for (const form of document.querySelectorAll("form.form")) if (form !== sent && changed(form)) return e.preventDefault();
  });
}

// markReturned marks the form that the panel returned with the typed values, because some were invalid or
// because the user changed its overlays: it differs from the saved one although nothing was typed since.
function markReturned() {
  const mark = document.querySelector("[data-unsaved]");
  for (const form of mark ? document.querySelectorAll("form.form") : []) {
    if (mark.compareDocumentPosition(form) & Node.DOCUMENT_POSITION_FOLLOWING) return void (form.dataset.changed = "");
  }
}

const changed = (form) => "changed" in form.dataset || [...form.elements].some(differs);

function differs(el) {
  if (el.disabled || /^(hidden|password|search|submit|button|fieldset)$/.test(el.type)) return false;
  if (el.type === "checkbox" || el.type === "radio") return el.checked !== el.defaultChecked;
  if (!el.options) return el.value !== el.defaultValue;
  const initial = [...el.options].filter((o) => o.defaultSelected);
  const first = initial.length || el.multiple ? initial : [...el.options].filter((o) => !o.disabled).slice(0, 1);
  return [...el.options].some((o) => o.selected !== first.includes(o));
}
