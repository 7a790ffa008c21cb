// A SharedWorker with one stream of events for all pages of a session in this browser. Over HTTP/1.1, a
// browser opens at most six connections to a host, and a stream occupies one permanently.
//
// A page sends the address of its events, answers each beat with "here", and sends "" when it is closed or
// hidden. The worker sends it { name, data, id } for each event, and the name "lost" if no more events
// follow. The page then decides whether to reconnect. The worker is named after the session: pages of another
// session have another worker, and the panel compares the name with the cookie.
const pages = new Map(); // { port, address, seen } by page number
const silence = 40_000; // ms without an event; the panel sends a beat every 15 s
const patience = 60_000; // ms without "here"; a crashed page does not send ""
let source, stream, watchdog, last = 0;

addEventListener("connect", ({ ports: [port] }) => {
  const number = ++last;
  port.onmessage = ({ data }) => {
    if (data === "") leave(number);
    else if (data === "here") seen(number);
    else {
      pages.set(number, { port, address: data, seen: Date.now() });
      if (stream) ask(number);
      else if (!source) begin();
    }
  };
});

function begin() {
  source = new EventSource("/live?session=" + encodeURIComponent(self.name));
  source.addEventListener("stream", (e) => {
    stream = e.data;
    for (const number of pages.keys()) ask(number);
  });
  source.addEventListener("beat", () => {
    alive();
    for (const [number, page] of pages) if (Date.now() - page.seen > patience) leave(number);
  });
  source.addEventListener("page", (e) => {
    const line = e.data.indexOf("\n");
    const [number, name, id] = e.data.slice(0, line).split(" ");
    if (name === "lost") lose(+number);
    else pages.get(+number)?.port.postMessage({ name, id, data: e.data.slice(line + 1) });
  });
  source.onerror = end;
  alive();
}

function alive() {
  clearTimeout(watchdog);
  watchdog = setTimeout(end, silence);
}

// end closes the stream. The next page that connects opens another one.
function end() {
  source?.close();
  clearTimeout(watchdog);
  source = stream = undefined;
  for (const number of pages.keys()) lose(number);
}

async function ask(number) {
  const of = source;
  const answer = await tell({ page: number, live: pages.get(number).address });
  if (answer?.ok || of !== source) return;
  if (answer?.status === 404) end(); // the panel has closed the stream
  else lose(number);
}

const tell = (form) => fetch("/live/" + stream, { method: "POST", body: new URLSearchParams(form), headers: { "X-Left4me": "live" } }).catch(() => {});

const seen = (number) => pages.has(number) && (pages.get(number).seen = Date.now());

function lose(number) {
  pages.get(number)?.port.postMessage({ name: "lost" });
  pages.delete(number);
}

function leave(number) {
  if (!pages.delete(number)) return;
  if (!pages.size) end();
  else if (stream) tell({ page: number, live: "" });
}
