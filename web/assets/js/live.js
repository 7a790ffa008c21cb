// The one stream of events of a page, and the quiet bar while there is none.
import { morph } from "./morph.js";
import { refilter } from "./filter.js";
import { showTimes } from "./times.js";
import { goTo } from "./forms.js";

const silence = 40_000; // ms; the panel beats every 15 s
const patience = 1_200; // ms before the bar: a restart of the panel is shorter
const unseen = 60_000; // ms after which a page that nobody sees lets go of its stream

export function startLive(con) {
  const address = document.body.dataset.live;
  if (!address) return;
  const bar = document.getElementById("connection");
  let source, watchdog, showing, retry, away, wait = 500;

  const connect = () => {
    clearTimeout(retry);
    source?.close();
    const url = new URL(address, location.href);
    if (con && con.position !== "") url.searchParams.set("after", con.position);
    source = new EventSource(url);
    alive();
    source.addEventListener("beat", () => {
      wait = 500;
      clearTimeout(showing);
      showing = 0;
      bar.hidden = true;
      alive();
    });
    source.addEventListener("html", (e) => (alive(), put(e.data)));
    source.addEventListener("console", (e) => (alive(), con?.add(JSON.parse(e.data), e.lastEventId)));
    source.addEventListener("gone", (e) => goTo(e.data));
    source.onerror = lost;
  };
  // Without this, a connection that died silently would look like a quiet server.
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(lost, silence);
  };
  const lost = () => {
    source.close();
    clearTimeout(watchdog);
    showing ||= setTimeout(() => say("Connection lost. Trying again…"), patience);
    retry = setTimeout(check, wait);
    wait = Math.min(wait * 2, 15_000);
  };
  // An event source doesn't say why it failed: a session that ended would be
  // tried for ever.
  const check = async () => {
    try {
      const answer = await fetch("/session", { headers: { "X-Left4me": "live" } });
      if (answer.status === 401) return clearTimeout(showing), say("You are logged out.", "/login?next=" + encodeURIComponent(location.pathname + location.search));
    } catch {
      // still no connection
    }
    connect();
  };
  const say = (text, link) => {
    bar.replaceChildren(text);
    if (link) {
      const a = document.createElement("a");
      a.href = link;
      a.textContent = "Log in";
      bar.append(" ", a);
    }
    bar.hidden = false;
  };

  document.addEventListener("visibilitychange", () => {
    clearTimeout(away);
    if (document.hidden) {
      away = setTimeout(() => (source.close(), clearTimeout(watchdog), clearTimeout(retry), (away = 0)), unseen);
    } else if (source.readyState === EventSource.CLOSED) connect();
  });
  addEventListener("pagehide", () => source.close());
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
    morph(have, el);
    showTimes(have);
    refilter(have);
  }
}
