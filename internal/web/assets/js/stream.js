// What a page's stream of events brings, and the quiet bar while there is none.
import { keepFocus } from "./focus.js";
import { own, shared } from "./stream_sources.js";
import { morph } from "./morph.js";
import { refilter } from "./filter.js";
import { showTimes } from "./times.js";
import { goTo } from "./forms.js";
import { foreign, retrying, said, sentences } from "./proxy_answer.js";
import { translate } from "./texts.js";

const silence = 40_000; // ms; the panel beats every 15 s
const none = translate("script.panel.connection_lost");
const patience = 1_200; // ms before the bar: a restart of the panel is shorter
const unseen = 600_000; // ms after which a page that nobody sees lets go of the shared stream

export function startStream(con) {
  const address = document.body.dataset.live;
  if (!address) return;
  const { session } = document.body.dataset;
  const bar = document.getElementById("connection");
  let watchdog, showing, retry, away, open = false, wait = 500, reason = none;

  // told takes an event of the stream.
  const told = (name, data, id) => {
    if (!open) return;
    if (name === "lost") return lost();
    alive();
    if (name === "html") put(data);
    else if (name === "console") con?.add(JSON.parse(data), id);
    else if (name === "gone") goTo(data);
    else back();
  };
  let way;
  try {
    way = shared(told, () => ((way = own(told)), connect()));
  } catch {
    way = own(told);
  }

  const connect = () => {
    clearTimeout(retry);
    // A connection of its own that a page holds while nobody sees it is missing to
    // the page that somebody sees: over HTTP/1.1 a browser has six.
    if (document.hidden && !way.shared) return leave();
    const url = new URL(address, location.href);
    url.searchParams.set("session", session);
    if (con && con.position !== "") url.searchParams.set("after", con.position); // Last-Event-ID of a stream that was closed
    open = true;
    way.open(url.pathname + url.search);
    alive();
  };
  const leave = () => {
    if (open) way.close();
    open = false;
    for (const t of [watchdog, retry, showing]) clearTimeout(t);
    showing = 0;
  };
  const back = () => {
    [wait, reason] = [500, none];
    clearTimeout(showing);
    showing = 0;
    bar.hidden = true;
  };
  // Without this, a connection that died silently would look like a quiet server.
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(lost, silence);
  };
  const lost = () => {
    way.close();
    open = false;
    clearTimeout(watchdog);
    clearTimeout(retry);
    showing ||= setTimeout(() => say(retrying(reason)), patience);
    retry = setTimeout(check, wait);
    wait = Math.min(wait * 2, 15_000);
  };
  // A stream doesn't say why it failed: a session that ended would be tried for
  // ever, also when somebody else has logged in meanwhile.
  const check = async () => {
    try {
      const answer = await fetch("/session?session=" + encodeURIComponent(session), { headers: { "X-Left4me": "live" }, redirect: "manual" });
      const other = foreign(answer);
      if (other) return because(other), connect();
      if (answer.status >= 500) return because(await said(answer).catch((e) => e.message)), connect();
      reason = none;
      if (answer.status === 401) return leave(), say(translate("script.panel.logged_out"), "/login?next=" + encodeURIComponent(location.pathname + location.search));
      if (answer.status === 429) {
        const problem = await answer.json();
        clearTimeout(showing);
        say(translate("script.panel.not_live", { problem: sentences(problem) }));
      }
    } catch {
      because(none);
    }
    connect();
  };
  // because notes what is in the way: nobody answers, or a proxy in left4me's place.
  const because = (text) => {
    reason = text;
    if (!bar.hidden) say(retrying(reason));
  };
  const say = (text, link) => {
    bar.replaceChildren(text);
    if (link) {
      const a = document.createElement("a");
      a.href = link;
      a.textContent = translate("script.panel.log_in");
      bar.append(" ", a);
    }
    bar.hidden = false;
  };

  document.addEventListener("visibilitychange", () => {
    clearTimeout(away);
    if (!document.hidden) {
      if (!open) connect();
    } else if (way.shared) away = setTimeout(leave, unseen);
    else leave();
  });
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (e) => e.persisted && connect());
  connect();
}

// put replaces the elements that have the ids of those in the text.
function put(html) {
  const box = document.createElement("template");
  const row = /^\s*<tr/.test(html); // which only exists in a table
  box.innerHTML = row ? `<table><tbody>${html}</tbody></table>` : html;
  for (const el of [...(row ? box.content.querySelectorAll("tr") : box.content.children)]) {
    const have = el.id && document.getElementById(el.id);
    if (!have) continue;
    keepFocus(have, () => morph(have, el));
    showTimes(have);
    refilter(have);
  }
}
