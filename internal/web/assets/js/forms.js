// Forms that leave the page where it is: the stream shows what they did.
import { foreign, probe, said } from "./answer.js";

const live = { "X-Left4me": "live" };
const pause = 700; // ms in which a click may be the second one of a double click
const pressed = new WeakMap(); // by the place of forms: when one was sent, and which others were there
let hide;

export function startForms() {
  document.addEventListener("submit", (e) => {
    const form = e.target;
    if ("themes" in form.dataset) {
      e.preventDefault();
      setTheme(form, e.submitter.value);
    } else if ("quiet" in form.dataset) {
      e.preventDefault();
      quietly(form, e.submitter);
    }
  });
  document.addEventListener("click", async (e) => {
    const button = e.target.closest("[data-copy]");
    if (!button) return;
    const word = button.querySelector("span");
    const copied = await copy(document.querySelector(button.dataset.copy));
    word.textContent = copied ? "Copied" : "Selected";
    button.dataset.copied = copied; // where there is no room for the word
    setTimeout(() => ((word.textContent = "Copy"), delete button.dataset.copied), 1500);
  });
}

// copy copies the text of an element, or leaves it selected and says false. On
// plain HTTP there is no navigator.clipboard.
async function copy(el) {
  try {
    await navigator.clipboard.writeText(el.textContent);
    return true;
  } catch {
    const selection = getSelection();
    selection.selectAllChildren(el);
    if (!document.execCommand("copy")) return false;
    selection.removeAllRanges();
    return true;
  }
}

// send posts a form and gives the answer, or throws what the person should read.
export async function send(form) {
  let answer;
  try {
    answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: live });
  } catch {
    throw new Error(foreign(await probe()) || "The panel can't be reached. Nothing was sent.");
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

function notice(text) {
  const box = document.getElementById("notice");
  box.textContent = text;
  box.hidden = !text;
  clearTimeout(hide);
  if (text) hide = setTimeout(() => (box.hidden = true), 12_000);
}

function setTheme(form, value) {
  document.documentElement.dataset.theme = value;
  for (const b of form.querySelectorAll("button")) b.ariaPressed = String(b.value === value);
  const body = new URLSearchParams({ theme: value });
  fetch(form.action, { method: "POST", body, headers: live }).catch(() => {});
}

// goTo leaves a page whose thing is gone.
export function goTo(path) {
  if (location.pathname !== path) location.assign(path);
}
