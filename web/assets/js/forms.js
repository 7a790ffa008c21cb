// Forms that leave the page where it is: the stream shows what they did.
import { foreign, probe, said } from "./answer.js";

const live = { "X-Left4me": "live" };
const pause = 700; // ms: the second click of a double click would hit what the first one brought
let hide, last = 0;

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
    const text = document.querySelector(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(document.querySelector(button.dataset.copy)); // no https: at least select it
      return;
    }
    word.textContent = "Copied";
    setTimeout(() => (word.textContent = "Copy"), 1500);
  });
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
  if (button?.ariaBusy === "true" || Date.now() - last < pause) return;
  last = Date.now();
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
