// Two ways to the events of a page. Both give them to told(name, data, id), and
// "lost" when no more will come until the next open.

// own is a stream of this page alone.
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

// shared is the stream of all pages of this browser and session: see stream_worker.js.
// It throws where there is no SharedWorker; failed is called when the worker
// can't be had.
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
    // A new port each time: nothing of before comes through it, and a worker that
    // has ended begins anew.
    open(address) {
      if (used) close(), connect();
      used = true;
      port.postMessage(address);
    },
    close,
  };
}
