// Two sources of the events of a page. Both call told(name, data, id) for each event, with the name "lost" if
// no more events follow until the next call of open.

// own is a stream for this page only.
export function own(told) {
  let source;
  const close = () => source?.close();
  return {
    open(address) {
      close();
      source = new EventSource(address);
      for (const name of ["beat", "html", "console", "gone"]) source.addEventListener(name, (e) => told(name, e.data, e.lastEventId));
      source.onerror = () => told("lost");
    },
    close,
  };
}

// shared is the common stream of all pages of this browser and session; see stream_worker.js. It throws if
// the browser has no SharedWorker, and calls failed if the worker cannot be loaded.
export function shared(told, failed) {
  const { worker: script, session } = document.body.dataset;
  let port;
  const connect = () => {
    const worker = new SharedWorker(script, session);
    worker.onerror = failed;
    port = worker.port;
    port.onmessage = ({ data: { name, data, id } }) => {
      if (name === "beat") port.postMessage("here");
      told(name, data, id);
    };
  };
  const close = () => {
    port.onmessage = null;
    port.postMessage("");
    port.close();
  };
  connect();
  let used = false;
  return {
    shared: true,
    // Each call uses a new port. It delivers no events of earlier calls, and starts the worker again if the
    // worker has ended.
    open(address) {
      if (used) close(), connect();
      used = true;
      port.postMessage(address);
    },
    close,
  };
}
