// The console: follows the output, searches it, and keeps a history of commands.
import { send } from "./forms.js";
import { translate } from "./texts.js";

const most = 5000; // maximum number of lines on the page

export function startConsole() {
  const box = document.getElementById("console");
  if (!box) return null;
  const search = document.getElementById("console-search");
  const follow = document.getElementById("console-follow");
  const found = document.getElementById("console-count");
  const con = { position: box.dataset.position === "-1" ? "" : box.dataset.position, add };

  const matches = (line) => !search.value || line.textContent.toLowerCase().includes(search.value.toLowerCase());
  const toEnd = () => follow.checked && (box.scrollTop = box.scrollHeight);

  function append(lines, kind) {
    const all = document.createDocumentFragment();
    for (const text of lines) {
      const line = document.createElement("div");
      line.textContent = text;
      if (kind) line.className = kind;
      line.hidden = !matches(line);
      all.append(line);
    }
    box.append(all);
    while (box.childElementCount > most) box.firstElementChild.remove();
    if (search.value) count();
    toEnd();
  }
  function add(printed, position) {
    if (printed.lost) append([translate("script.panel.console_lost", { count: printed.lost })], "gap");
    append(printed.lines || []);
    con.position = position;
  }
  function count() {
    const n = box.querySelectorAll(":scope > :not([hidden])").length;
    found.textContent = search.value ? String(n) : "";
  }

  search.addEventListener("input", () => {
    for (const line of box.children) line.hidden = !matches(line);
    count();
    toEnd();
  });
  // Scrolling up stops following; scrolling to the end resumes it.
  box.addEventListener("scroll", () => {
    follow.checked = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
  }, { passive: true });
  follow.addEventListener("change", toEnd);
  new ResizeObserver(toEnd).observe(box);
  toEnd();
  startCommand(box, append);
  return con;
}

function startCommand(box, append) {
  const form = document.querySelector("[data-command]");
  if (!form) return;
  const input = form.elements.command;
  const problem = document.getElementById("command-problem");
  const key = "commands " + location.pathname;
  let past = [];
  try {
    past = JSON.parse(sessionStorage.getItem(key)) || [];
  } catch {
    // no history
  }
  let at = past.length, typed = "";

  input.addEventListener("keydown", (e) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[e.key];
    if (!step || at + step < 0 || at + step > past.length) return;
    e.preventDefault();
    if (at === past.length) typed = input.value;
    at += step;
    input.value = at === past.length ? typed : past[at];
  });
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    const command = input.value.trim();
    if (!command) return;
    past = [...past.filter((p) => p !== command), command].slice(-100);
    at = past.length;
    try {
      sessionStorage.setItem(key, JSON.stringify(past));
    } catch {
      // storage full: the history is lost on reload
    }
    const sent = send(form);
    input.value = "";
    problem.textContent = "";
    append(["] " + command], "asked");
    try {
      append((await (await sent).json()).lines || [], "answered");
    } catch (err) {
      problem.textContent = err.message;
      if (!input.value) input.value = command;
    }
  });
}
