// Shows times in the user's language and time zone. Without scripts, pages show them in UTC.
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
// parts formats a duration given as pairs of unit and number, the largest unit first.
const parts = (...which) =>
  which.filter(([, n], i) => n || !i).map(([unit, n]) => new Intl.NumberFormat(undefined, { style: "unit", unit, unitDisplay: "narrow" }).format(n)).join(" ");

export function startTimes() {
  showTimes(document);
  setInterval(() => document.hidden || showTimes(document), 10_000);
}

export function showTimes(root) {
  const now = Date.now();
  for (const el of root.querySelectorAll("time")) {
    const at = Date.parse(el.dateTime);
    if (!at) continue;
    const seconds = Math.max(0, Math.round((now - at) / 1000));
    const text = "since" in el.dataset ? lasting(seconds) : past(seconds, at);
    if (el.textContent !== text) el.textContent = text;
    if (!el.title) el.title = full.format(at);
  }
}

function lasting(s) {
  if (s < 10) return ago.format(0, "second");
  if (s < 60) return parts(["second", Math.floor(s / 10) * 10]);
  if (s < 3600) return parts(["minute", Math.floor(s / 60)]);
  if (s < 86400) return parts(["hour", Math.floor(s / 3600)], ["minute", Math.floor(s / 60) % 60]);
  return parts(["day", Math.floor(s / 86400)], ["hour", Math.floor(s / 3600) % 24]);
}

function past(s, at) {
  if (s > 6 * 86400 || at > Date.now() + 60_000) return day.format(at); // future times have no relative form
  for (const [unit, size] of units) if (s >= size) return ago.format(-Math.floor(s / size), unit);
  return ago.format(0, "second");
}
