import { translate } from "./texts.js";

// Times in the language of the page. Without this script, a page shows them in UTC.
const language = document.documentElement.lang || undefined;
const full = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
const ago = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const slow = 10_000; // ms between updates while no time is shown in seconds
let secondsUntil = 0; // when the last time that is shown in seconds is a minute old
let next = 0; // when all times are updated again

export function startTimes() {
  showTimes(document);
  setInterval(() => {
    const now = Date.now();
    if (!document.hidden && (now < secondsUntil || now >= next)) showTimes(document);
  }, 1000);
}

// showTimes writes the times in root: moments as "3 minutes ago", durations as "12 min".
export function showTimes(root) {
  const now = Date.now();
  if (root === document) next = now + slow;
  for (const el of root.querySelectorAll("time")) {
    const at = Date.parse(el.dateTime);
    if (!at) continue;
    const seconds = Math.max(0, Math.floor((now - at) / 1000));
    if (seconds < 60) secondsUntil = Math.max(secondsUntil, at + 62_000);
    const text = "since" in el.dataset ? duration(seconds) : past(seconds, at, now);
    if (el.textContent !== text) el.textContent = text;
    if (!el.title) el.title = full.format(at);
  }
}

// duration returns the two largest units, as Printer.Duration of internal/locale does.
function duration(s) {
  if (s < 60) return translate("duration.seconds", { seconds: s });
  if (s < 3600) return translate("duration.minutes", { minutes: Math.floor(s / 60) });
  const hours = Math.floor(s / 3600);
  if (hours < 24) return translate("duration.hours", { hours, minutes: String(Math.floor(s / 60) % 60).padStart(2, "0") });
  return translate("duration.days", { days: Math.floor(hours / 24).toLocaleString(language), hours: hours % 24 });
}

function past(s, at, now) {
  if (s > 6 * 86400 || at > now + 60_000) return day.format(at);
  for (const [unit, size] of units) if (s >= size) return ago.format(-Math.floor(s / size), unit);
  return ago.format(0, "second");
}
