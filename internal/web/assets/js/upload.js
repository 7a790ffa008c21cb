// Uploads in pieces. Chosen or dropped files are sent one after another, and each piece is retried until it
// arrives. After a lost connection or a reload, only missing pieces are sent.
import { startAdding } from "./new_content.js";
import { foreign, probe, retrying, said } from "./proxy_answer.js";
import { translate } from "./texts.js";

// Pieces start small, because some proxies refuse large ones, and grow while they are accepted. After a
// refusal, their size is halved and no longer grows.
const KiB = 1 << 10;
const [first, most, least] = [512 * KiB, 16 * KiB * KiB, 16 * KiB]; // bytes
const growWithin = 10_000; // ms; pieces grow only while answers take less, because proxies time out
const live = { "X-Left4me": "live" };
const box = document.querySelector("[data-upload]");
if (box) start(box, startAdding(box));

// A box with an adder is part of a form: it adds the files to that form instead of going
// to the review.
function start(box, adder) {
  let base = box.dataset.upload;
  const form = box.querySelector("form, [data-chooser]");
  const inputs = form.querySelectorAll("input[type=file]");
  const drop = form.closest(".drop") ?? form.querySelector(".drop");
  const sending = box.querySelector("[data-sending]");
  const part = (name) => sending.querySelector(`[data-${name}]`);
  const bar = sending.querySelector("progress");
  let id = box.dataset.id || "", chosen = [], run = {}, paused = false, size = first, proven = 0, capped = false, cuts = 0, wake = () => {}, abort = new AbortController();

  for (const el of form.querySelectorAll("[data-noscript]")) el.hidden = true;
  for (const input of inputs) {
    input.required = false;
    input.addEventListener("change", () => input.files.length && send([...input.files].map((f) => ({ file: f, path: f.webkitRelativePath || f.name }))));
  }
  for (const type of ["dragenter", "dragover"]) drop.addEventListener(type, (e) => (e.preventDefault(), drop.classList.add("over")));
  for (const type of ["dragleave", "drop"]) drop.addEventListener(type, (e) => (e.preventDefault(), drop.classList.remove("over")));
  drop.addEventListener("drop", async (e) => send(await unpacked(e.dataTransfer)));
  // Otherwise, a file dropped outside the box would replace the page.
  for (const type of ["dragover", "drop"]) addEventListener(type, (e) => e.preventDefault());
  form.addEventListener("submit", (e) => e.preventDefault());
  part("pause").addEventListener("click", () => pause(true));
  part("resume").addEventListener("click", () => pause(false));
  part("retry").addEventListener("click", () => send(chosen));
  part("drop").addEventListener("click", async () => {
    run.dropped = true;
    abort.abort();
    wake();
    const deleted = id && discard(base, id);
    if (adder) return reset();
    await deleted;
    location.assign(location.pathname);
  });
  if (adder) {
    // A server would be created without its content.
    box.closest("form").addEventListener("submit", (e) => {
      if (sending.hidden || e.submitter?.formNoValidate) return;
      e.preventDefault();
      say(translate("script.upload.unfinished", { path: chosen[0].path })).focus();
    });
    // Files belong to the form: an upload that is left behind could not be continued.
    addEventListener("pagehide", () => id && discard(base, id));
  }

  // reset lets the user choose further files.
  function reset() {
    [id, base, run, paused] = ["", box.dataset.upload, {}, false];
    for (const input of inputs) input.value = "";
    buttons("pause");
    [form.hidden, sending.hidden] = [false, true];
    for (const name of ["what", "count", "pace", "problem"]) part(name).textContent = "";
    box.querySelector(":scope > .problem[data-said]")?.remove();
    delete box.dataset.busy;
    removeEventListener("beforeunload", ask);
  }

  // buttons shows one of the buttons that pause, resume and retry.
  function buttons(shown) {
    for (const name of ["pause", "resume", "retry"]) part(name).hidden = name !== shown;
  }

  // discard deletes an upload, also after the page was left. It retries until left4me answers.
  async function discard(base, id) {
    for (let wait = 500; ; wait = Math.min(wait * 2, 15_000)) {
      const res = await fetch(`${base}/${id}/drop`, { method: "POST", headers: live, keepalive: true }).catch(() => null);
      if (res && !foreign(res) && res.status < 500) return;
      problem(retrying(foreign(res) || translate("script.panel.connection_lost")));
      await new Promise((r) => setTimeout(r, wait));
    }
  }

  function pause(on) {
    paused = on;
    buttons(on ? "resume" : "pause");
    (on ? part("resume") : part("pause")).focus();
    if (on) abort.abort();
    else wake();
  }

  async function send(all) {
    all = all.filter((f) => f.file.size > 0 || f.file.name);
    if (!all.length) return problem(translate("script.upload.no_file"));
    chosen = all;
    const mine = (run = {});
    form.hidden = true;
    sending.hidden = bar.hidden = false;
    box.dataset.busy = "";
    buttons("pause");
    problem("");
    addEventListener("beforeunload", ask);
    const total = all.reduce((n, f) => n + f.file.size, 0);
    let arrived = 0;
    try {
      const state = await begin(mine, all[0].path);
      const had = new Map(state.files.map((f) => [f.path, f]));
      const missing = state.files.filter((f) => f.have !== f.size && !all.some((a) => a.path === f.path));
      if (missing.length) {
        form.hidden = false;
        sending.hidden = true;
        delete box.dataset.busy;
        return say(translate("script.upload.missing", { path: missing[0].path }));
      }
      const pace = measure();
      let before = 0;
      shown = 0;
      for (const [i, f] of all.entries()) {
        part("what").textContent = f.path;
        part("count").textContent = all.length > 1 ? `${i + 1} / ${all.length}` : "";
        let have = had.get(f.path)?.have ?? 0;
        show(before + have, total, pace);
        do {
          have = await put(mine, f, have, (now, certain) => show(before + now, total, pace, certain));
          if (mine.dropped) return;
          arrived = before + have;
        } while (have < f.file.size);
        before += f.file.size;
      }
      removeEventListener("beforeunload", ask);
      if (!adder) return location.assign(`${base}/${id}`);
      buttons("");
      part("pace").textContent = translate("script.upload.publishing");
      delete box.dataset.busy; // the box is part of the form that is renewed
      await adder(id);
      reset();
    } catch (err) {
      if (!mine.dropped) failed(err.message, arrived, total);
    }
  }

  // failed shows how much arrived before an error that does not pass.
  function failed(text, arrived, total) {
    box.dataset.busy = "";
    [bar.hidden, sending.hidden, form.hidden] = [true, false, true];
    buttons("retry");
    part("count").textContent = "";
    const [sent, all] = [bytes(arrived, total), bytes(total)];
    part("pace").textContent =
      arrived < total || !total ? translate("script.upload.failed", { sent, all }) : translate("script.upload.unpublished");
    problem(text);
  }

  const ask = (e) => e.preventDefault();
  const problem = (text) => (part("problem").textContent = text);
  const say = (text) => {
    let p = box.querySelector(":scope > .problem");
    if (!p) box.querySelector("h2").after((p = Object.assign(document.createElement("p"), { className: "problem", role: "alert", tabIndex: -1 })));
    p.dataset.said = "";
    p.textContent = text;
    return p;
  };

  async function begin(mine, name) {
    if (id) {
      const res = await again(mine, () => fetch(`${base}/${id}/state`, { headers: live }));
      if (res.status !== 404 || foreign(res) || !adder) return said(res);
      [id, base] = ["", box.dataset.upload]; // it has expired
    }
    const at = adder ? `${base}?${new URLSearchParams({ file: name })}` : base;
    const state = await said(await again(mine, () => fetch(at, { method: "POST", headers: live })));
    if (mine.dropped) {
      await discard(state.base ?? base, state.id);
      throw new Error(translate("script.upload.discarded"));
    }
    id = state.id;
    if (adder) base = state.base;
    else history.replaceState(null, "", `?id=${id}`); // a reload finds it again
    return state;
  }

  // put sends the piece at offset have, and returns how many bytes of the file have arrived.
  async function put(mine, f, have, tell) {
    const query = new URLSearchParams({ path: f.path, offset: have, size: f.file.size });
    let n, began;
    const res = await again(
      mine,
      () => {
        [n, began] = [Math.min(size, f.file.size - have), performance.now()];
        return push(`${base}/${id}/file?${query}`, f.file.slice(have, have + n), (sent) => tell(have + sent));
      },
      (status) => (lost(n, status), tell(have, true)),
    );
    if (res.status === 413 && foreign(res) && refused(n)) return have;
    if (res.status === 409) {
      const now = (await res.clone().json().catch(() => ({}))).have;
      if (now !== undefined && now !== have) return now; // another piece of the file has arrived
    }
    have = (await said(res)).have;
    proven = Math.max(proven, n);
    if (!capped && n === size && performance.now() - began < growWithin) size = Math.min(2 * size, most);
    tell(have);
    return have;
  }

  // refused halves the size of pieces permanently. It returns false if they have the minimum size.
  function refused(n) {
    if (n <= least) return false;
    [size, capped] = [Math.floor(n / 2), true];
    return true;
  }

  // lost reduces the size of pieces after a lost connection. Some proxies close the connection or time out
  // instead of refusing a piece that is too large.
  function lost(n, status) {
    if (status === 504 || status === 524) return refused(n);
    if (n > proven && proven && ++cuts > 1) [size, capped] = [Math.min(size, proven), true];
    size = Math.min(size, Math.max(first, proven / 2));
  }

  // push sends a request like fetch, and calls tell with the number of bytes sent.
  function push(url, body, tell) {
    return new Promise((resolve, reject) => {
      const x = new XMLHttpRequest();
      x.open("PUT", url);
      x.setRequestHeader("X-Left4me", "live");
      x.setRequestHeader("Content-Type", "application/octet-stream");
      x.timeout = 0;
      x.upload.onprogress = (e) => tell(e.loaded);
      x.onload = () => resolve(new Response(x.response, { status: x.status, headers: x.getResponseHeader("X-Left4me") ? live : {} }));
      x.onerror = x.onabort = () => reject(new Error("cut"));
      abort.signal.addEventListener("abort", () => x.abort(), { once: true });
      x.send(body);
    });
  }

  // again repeats a request until left4me answers, and shows the reason for the delay in the meantime. It
  // throws errors that do not pass.
  async function again(mine, request, failed = () => {}) {
    for (let wait = 500; ; wait = Math.min(wait * 2, 15_000)) {
      while (paused && !mine.dropped) await new Promise((r) => (wake = r));
      if (mine.dropped) throw new Error(translate("script.upload.discarded"));
      abort = new AbortController();
      const res = await request().catch(() => null);
      const seen = res ?? (paused || mine.dropped ? null : await probe());
      const other = foreign(seen);
      if (res && res.status < 500 && res.status !== 429) {
        if (res.status === 401 && !other) throw new Error(translate("script.upload.logged_out"));
        if (!mine.dropped) problem("");
        return res;
      }
      if (other && seen.status < 500) throw new Error(other); // a login page
      if (!paused && !mine.dropped) {
        failed(res?.status);
        problem(other ? retrying(other) : res ? ((await res.json().catch(() => ({}))).text ?? translate("script.upload.busy")) : retrying(translate("script.panel.connection_lost")));
      }
      if (!paused) await new Promise((r) => ((wake = r), setTimeout(r, wait)));
    }
  }

  // measure returns a function that returns the rate of the last 8 s in bytes per second.
  function measure() {
    const points = [];
    return (done) => {
      const now = performance.now();
      points.push([now, done]);
      while (points.length > 2 && now - points[0][0] > 8_000) points.shift();
      const [at, was] = points[0];
      return now > at ? ((done - was) * 1000) / (now - at) : 0;
    };
  }

  let shown = 0;
  function show(done, total, pace, certain) {
    const rate = pace(done);
    if (performance.now() - shown < 300 && done < total && !certain) return; // bar and text say the same
    shown = performance.now();
    bar.value = total ? done / total : 1;
    const [percent, sent, all] = [Math.floor((100 * done) / (total || 1)), bytes(done, total), bytes(total)];
    part("pace").textContent =
      rate > 0
        ? translate("script.upload.pace", { percent, sent, all, rate: bytes(rate), left: lasting((total - done) / rate) })
        : translate("script.upload.progress", { percent, sent, all });
  }
}

// bytes formats a size in the unit that fits another, so that the two can be compared.
function bytes(n, like = n) {
  if (like < 1e3) return `${Math.round(n)} B`;
  if (like < 1e6) return `${(n / 1e3).toFixed(1)} kB`;
  if (like < 1e9) return `${(n / 1e6).toFixed(1)} MB`;
  return `${(n / 1e9).toFixed(2)} GB`;
}

function lasting(s) {
  if (s < 60) return `${Math.ceil(s)} s`;
  if (s < 3600) return `${Math.ceil(s / 60)} min`;
  return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
}

// unpacked returns the dropped files, including those in dropped directories.
async function unpacked(transfer) {
  const entries = [...transfer.items].map((i) => i.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const all = [];
  const walk = async (entry, path) => {
    if (entry.isFile) {
      all.push({ file: await new Promise((ok, no) => entry.file(ok, no)), path });
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((ok, no) => reader.readEntries(ok, no));
      if (!some.length) return;
      for (const e of some) await walk(e, `${path}/${e.name}`);
    }
  };
  for (const e of entries) await walk(e, e.name);
  return all;
}
