// Forms that are submitted without leaving the page. The page's stream shows the effect.
import { notice } from "./notice.js";
import { foreign, probe, said } from "./proxy_answer.js";
import { translate } from "./texts.js";

const live = { "X-Left4me": "live" };
const pause = 700; // ms; a second click within this time is part of a double click
const pressed = new WeakMap(); // by container of forms: time of the last submission, and the other elements there at that time

export function startForms() {
  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (!("quiet" in form.dataset)) return;
    e.preventDefault();
    quietly(form, e.submitter);
  });
}

// send submits a form and returns the answer. It throws an error whose message is shown to the user.
export async function send(form) {
  let answer;
  try {
    answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: live });
  } catch {
    throw new Error(foreign(await probe()) || translate("script.panel.unreachable"));
  }
  if (!answer.ok || foreign(answer)) await said(answer);
  return answer;
}

async function quietly(form, button) {
  if (button?.ariaBusy === "true" || twice(form)) return;
  if (button) button.ariaBusy = "true";
  try {
    const answer = await send(form);
    notice("");
    const open = answer.headers.get("X-Left4me-Open"); // the form continues on another page
    if (open) location.assign(open);
  } catch (err) {
    notice(err.message);
  } finally {
    if (button) button.ariaBusy = null;
  }
}

// twice reports whether a form is submitted by the second click of a double click. That click hits the same
// form, or the form that replaced it after the first click, such as Start in place of Stop. A click on
// another form that existed before is intended.
function twice(form) {
  const place = form.parentElement;
  const last = pressed.get(place);
  if (last && Date.now() - last.at < pause && !last.others.includes(form)) return true;
  pressed.set(place, { at: Date.now(), others: [...place.children].filter((el) => el !== form) });
  return false;
}

// goTo leaves the page of a deleted object.
export function goTo(path) {
  if (location.pathname !== path) location.assign(path);
}
