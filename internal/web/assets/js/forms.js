// Forms that leave the page where it is: the stream shows what they did.
import { notice } from "./notice.js";
import { foreign, probe, said } from "./proxy_answer.js";
import { translate } from "./texts.js";

const live = { "X-Left4me": "live" };
const pause = 700; // ms in which a click may be the second one of a double click
const pressed = new WeakMap(); // by the place of forms: when one was sent, and which others were there

export function startForms() {
  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (!("quiet" in form.dataset)) return;
    e.preventDefault();
    quietly(form, e.submitter);
  });
}

// send posts a form and gives the answer, or throws what the person should read.
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
    await send(form);
    notice("");
  } catch (err) {
    notice(err.message);
  } finally {
    if (button) button.ariaBusy = null;
  }
}

// twice says whether a form is sent by the second click of a double click, which
// hits the same form or what the first click has brought in its place: Start where
// Stop was. Forms that were there before are meant.
function twice(form) {
  const place = form.parentElement;
  const last = pressed.get(place);
  if (last && Date.now() - last.at < pause && !last.others.includes(form)) return true;
  pressed.set(place, { at: Date.now(), others: [...place.children].filter((el) => el !== form) });
  return false;
}

// goTo leaves a page whose thing is gone.
export function goTo(path) {
  if (location.pathname !== path) location.assign(path);
}
