/* Long CSV files: a link with data-export is fetched, its rows are counted while they come, and the file is saved at
   the end. The server says in X-Rows how many rows to expect. Without this script the link is a plain download.
   A large file goes straight to the disk where the browser can (showSaveFilePicker), else in pieces into a blob,
   which browsers keep outside of the page's memory. */
"use strict";

const PIECE = 8 * 1024 * 1024;
const MANY_ROWS = 200000;
const exportsRunning = new Set();

/* Line ends outside of quotation marks, across pieces: a cell may have lines of its own. */
function rowCounter() {
  let quoted = false;
  let lines = 0;
  return (bytes) => {
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] === 34) quoted = !quoted;
      else if (bytes[i] === 10 && !quoted) lines++;
    }
    return Math.max(0, lines - 1);
  };
}

function fileNameOf(response) {
  const told = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") || "");
  return told ? told[1] : "export.csv";
}

/* Where the bytes go: write(bytes), close() and drop(). */
async function toDisk(name) {
  const handle = await showSaveFilePicker({ suggestedName: name, types: [{ accept: { "text/csv": [".csv"] } }] });
  const file = await handle.createWritable();
  return { write: (bytes) => file.write(bytes), close: () => file.close(), drop: () => file.abort() };
}
function toBlob(name) {
  let pieces = [];
  let fresh = [];
  let size = 0;
  const settle = () => { pieces.push(new Blob(fresh)); fresh = []; size = 0; };
  return {
    write(bytes) {
      fresh.push(bytes);
      size += bytes.length;
      if (size > PIECE) settle();
    },
    close() {
      settle();
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(pieces, { type: "text/csv" }));
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    },
    drop() { pieces = []; fresh = []; },
  };
}
async function place(name, rows) {
  if (!window.showSaveFilePicker || rows < MANY_ROWS) return toBlob(name);
  try {
    return await toDisk(name);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    // Asked too long after the click: the blob needs no leave.
    return toBlob(name);
  }
}

function exportBox(name, cancel) {
  const box = document.createElement("section");
  box.className = "export";
  box.setAttribute("aria-label", `Export: ${name}`);
  const title = Object.assign(document.createElement("p"), { className: "title", textContent: name });
  const bar = document.createElement("progress");
  bar.setAttribute("aria-label", `Rows of ${name}`);
  const told = Object.assign(document.createElement("p"), { className: "told num", textContent: "Starting…" });
  const stop = Object.assign(document.createElement("button"), { type: "button", className: "btn s", textContent: "Cancel" });
  stop.addEventListener("click", cancel);
  box.append(title, bar, told, stop);
  shelf().append(box);
  return { box, bar, told };
}
function shelf() {
  let found = document.getElementById("exports");
  if (!found) {
    found = Object.assign(document.createElement("div"), { id: "exports", className: "exports" });
    document.body.append(found);
  }
  return found;
}
function inTime(seconds) {
  if (!Number.isFinite(seconds) || seconds < 1) return "";
  return seconds < 90 ? `, about ${Math.round(seconds)} s` : `, about ${Math.round(seconds / 60)} min`;
}
function show({ bar, told }, { rows, total, since, number }) {
  if (!total) {
    told.textContent = `${number.format(rows)} rows`;
    return;
  }
  bar.max = total;
  bar.value = Math.min(rows, total);
  const left = ((performance.now() - since) / 1000) * (total / Math.max(rows, 1) - 1);
  told.textContent = `${number.format(rows)} of ${number.format(Math.max(total, rows))} rows${inTime(left)}`;
}

async function pour(response, sink, view, state) {
  const reader = response.body.getReader();
  const count = rowCounter();
  let shown = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    await sink.write(value);
    state.rows = count(value);
    // Ten times a second is as often as anybody can read.
    if (performance.now() - shown > 100) {
      show(view, state);
      shown = performance.now();
    }
  }
  show(view, state);
}

async function runExport(link) {
  const stop = new AbortController();
  const number = new Intl.NumberFormat((link.dataset.locale || "en-US").replace("_", "-"));
  const view = exportBox(link.dataset.export, () => stop.abort());
  const run = { view };
  exportsRunning.add(run);
  link.setAttribute("aria-disabled", "true");
  let sink = null;
  try {
    const response = await fetch(link.href, { headers: { "X-Progress": "1" }, signal: stop.signal });
    if (response.redirected || !response.ok || !(response.headers.get("Content-Type") || "").startsWith("text/csv")) {
      // Signed out, or not allowed any more: the page itself says so best.
      exportsRunning.delete(run);
      location.assign(response.redirected ? location.href : link.href);
      return;
    }
    const name = fileNameOf(response);
    const state = { rows: 0, total: Number(response.headers.get("X-Rows")) || 0, since: performance.now(), number };
    show(view, state);
    sink = await place(name, state.total);
    stop.signal.throwIfAborted();
    await pour(response, sink, view, state);
    await sink.close();
    toast({ text: `${name} is saved: ${number.format(state.rows)} ${state.rows === 1 ? "row" : "rows"}.` });
  } catch (error) {
    const stopped = error.name === "AbortError";
    stop.abort();
    if (sink) await Promise.resolve(sink.drop()).catch(() => {});
    toast(stopped ? { text: "Export canceled. No file was saved." } : { text: "The export broke off, and no file was saved. Please try again.", kind: "bad" });
  } finally {
    exportsRunning.delete(run);
    const held = view.box.contains(document.activeElement);
    view.box.remove();
    link.removeAttribute("aria-disabled");
    if (held && link.isConnected) link.focus();
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-export]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || !window.ReadableStream) return;
  event.preventDefault();
  if (link.getAttribute("aria-disabled") !== "true") runExport(link);
});
/* Another page would end it. */
window.addEventListener("beforeunload", (event) => {
  if (exportsRunning.size) event.preventDefault();
});
