// Forms that change while they are filled in: content that is added to a new server, and
// the names and ports of several servers. Typed values are kept.
import { morph } from "./morph.js";
import { foreign, probe, said } from "./proxy_answer.js";
import { translate } from "./texts.js";

const typed = 300; // ms after the last key

// startAdding returns a function that creates an overlay from an upload and adds it to the form
// around the box, or undefined for a box that is not part of a form.
export function startAdding(box) {
  const form = box.closest("form");
  if (!form) return undefined;
  return async (id) => {
    await renew(form, box.dataset.publish, { upload: id });
    // A large overlay is published for longer than an answer may take.
    while (form.querySelector("[data-publishing]")) {
      await renew(form, form.action, { stack: "content" });
    }
  };
}

// renew submits the typed values, and shows the form of the answer.
async function renew(form, to, more) {
  const body = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
  for (const [name, value] of Object.entries(more)) body.set(name, value);
  const answer = await fetch(to, { method: "POST", body }).catch(() => null);
  if (!answer) throw new Error(foreign(await probe()) || translate("script.panel.unreachable"));
  if (!answer.ok && answer.status !== 422 && answer.status !== 409) await said(answer);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.querySelector(`form[action="${form.getAttribute("action")}"]`);
  if (!now) throw new Error(translate("script.panel.unreachable"));
  const stack = [...now.querySelectorAll("input[name=overlay]")].map((i) => i.value);
  const proposed = [...now.querySelectorAll("input[name=name], input[name=map], input[name=planned]")].map((i) => [i.name, i.value]);
  for (const el of now.querySelectorAll("[data-script]")) el.hidden = false;
  for (const el of now.querySelectorAll("[data-noscript], [data-publishing] button")) el.hidden = true;
  morph(form, now);
  for (const [i, input] of form.querySelectorAll("input[name=overlay]").entries()) input.value = stack[i];
  for (const [name, value] of proposed) {
    const input = form.elements[name];
    if (!input.value || input.type === "hidden") input.value = value;
  }
  form.dispatchEvent(new Event("change")); // the maps of the new overlay are offered
}

// Names and ports follow the fields: the button that shows them does that without scripts.
for (const form of document.querySelectorAll("form[data-plan]")) {
  for (const el of form.querySelectorAll("[data-noscript]")) el.hidden = true;
  let timer, turn = 0;
  form.addEventListener("input", (e) => {
    if (!["count", "names", "first_port"].includes(e.target.name)) return;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const mine = ++turn;
      const body = new URLSearchParams(new FormData(form));
      body.set("do", "plan");
      const answer = await fetch(form.action, { method: "POST", body }).catch(() => null);
      if (!answer || mine !== turn) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.querySelector("#plan");
      if (now) form.querySelector("#plan").replaceWith(now);
    }, typed);
  });
}
