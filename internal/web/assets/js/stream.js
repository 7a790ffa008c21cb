// Applies the events of the page's stream, and shows a bar while the connection is lost.
import { keepFocus } from "./focus.js";
import { own, shared } from "./stream_sources.js";
import { morph } from "./morph.js";
import { refilter } from "./filter.js";
import { showTimes } from "./times.js";
import { goTo } from "./forms.js";
import { foreign, retrying, said, sentences } from "./proxy_answer.js";
import { translate } from "./texts.js";

const silence = 40_000; // ms without an event; the panel sends a beat every 15 s
const none = translate("script.panel.connection_lost");
const patience = 1_200; // ms until the bar appears; a restart of the panel takes less
const unseen = 600_000; // ms after which a hidden page leaves the shared stream

export function startStream(con) {
  const address = document.body.dataset.live;
  if (!address) return;
  const { session } = document.body.dataset;
  const bar = document.getElementById("connection");
  let watchdog, showing, retry, away, open = false, wait = 500, reason = none;

  // told handles an event of the stream.
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
    // A hidden page must not occupy a connection that the visible page needs: over HTTP/1.1, a browser opens
    // at most six to a host.
    if (document.hidden && !way.shared) return leave();
    const url = new URL(address, location.href);
    url.searchParams.set("session", session);
    if (con && con.position !== "") url.searchParams.set("after", con.position); // replaces Last-Event-ID, which a new EventSource does not send
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
  // alive restarts the watchdog. Without it, a dead connection would look like a server without events.
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
  // check finds out why the stream failed, which an EventSource does not report. Otherwise, a page whose
  // session has ended would retry permanently, also after another user has logged in.
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
  // because sets the reason in the bar: no answer, or the answer of a proxy.
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

// put updates the elements of the page whose ids occur in the HTML.
function put(html) {
  const box = document.createElement("template");
  const row = /^\s*<tr/.test(html); // table rows are only parsed inside a table
  box.innerHTML = row ? `<table><tbody>${html}</tbody></table>` : html;
  for (const el of [...(row ? box.content.querySelectorAll("tr") : box.content.children)]) {
    const have = el.id && document.getElementById(el.id);
    if (!have) continue;
    keepFocus(have, () => morph(have, el));
    showTimes(have);
    refilter(have);
  }
}
