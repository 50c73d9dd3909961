/* The little that pages need beyond links, forms and htmx. Everything is found by attribute, also in parts that arrive later. */
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/* Theme: light, dark or the system's. */
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
  showTheme();
  drawPlots();
}
function showTheme() {
  const theme = document.documentElement.dataset.theme || "auto";
  all("[data-set-theme]").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.setTheme === theme)));
}

/* Toasts: from the server's `toast` event ({text, kind, undo}) or already in the page. */
function toast({ text, kind = "", undo = "" }) {
  const box = document.createElement("div");
  box.className = `toast ${kind}`;
  box.append(Object.assign(document.createElement("span"), { textContent: text }));
  if (undo) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Undo" });
    button.addEventListener("click", () => { htmx.ajax("POST", undo, { swap: "none" }); box.remove(); });
    box.append(button);
  }
  document.getElementById("toasts").append(box);
  fade(box);
}
function fade(box) {
  setTimeout(() => (box.matches(":hover, :focus-within") ? fade(box) : box.remove()), 8000);
}

/* Drawer: a dialog element, so that Escape, focus trap and focus return are the browser's. */
function openDrawer() {
  const drawer = document.getElementById("drawer");
  if (drawer && drawer.children.length && !drawer.open) drawer.showModal();
}
function closeDrawer() {
  const drawer = document.getElementById("drawer");
  if (drawer && drawer.open) drawer.close();
}

/* Drop zone: the label around a file input takes dropped files. */
function watchDrop(zone) {
  const input = zone.querySelector("input[type=file]");
  const over = (on) => (event) => { event.preventDefault(); zone.classList.toggle("over", on); };
  zone.addEventListener("dragover", over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", (event) => {
    over(false)(event);
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  input.addEventListener("change", () => {
    const name = zone.querySelector("[data-drop-name]");
    if (name) name.textContent = [...input.files].map((f) => f.name).join(", ");
  });
}

/* Charts: the figure is in a json_script element; colors come from the tokens of the theme in use.
   A color may be written as "var(--c1)" or "var(--c1)/0.13" in the figure. */
const probe = document.createElement("span");
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function color(value) {
  const [token, alpha = "1"] = value.split("/");
  probe.style.color = token.trim();
  document.body.append(probe);
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = getComputedStyle(probe).color;
  canvas.fillRect(0, 0, 1, 1);
  probe.remove();
  const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
  return `rgba(${r},${g},${b},${alpha})`;
}
function painted(value) {
  if (typeof value === "string") return value.startsWith("var(--") ? color(value) : value;
  if (Array.isArray(value)) return value.map(painted);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, painted(v)]));
  return value;
}
function look() {
  return painted({
    font: { family: "Inter, system-ui, sans-serif", size: 12, color: "var(--ink-2)" },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    colorway: ["var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)", "var(--c6)"],
    margin: { l: 48, r: 12, t: 8, b: 36 }, hovermode: "x unified",
    hoverlabel: { bgcolor: "var(--surface)", bordercolor: "var(--line-2)", font: { color: "var(--ink)" } },
    legend: { orientation: "h", x: 0, y: 1.12 },
  });
}
const axis = (own) => ({ ...painted({ linecolor: "var(--line)", gridcolor: "var(--line)", zeroline: false, automargin: true }), ...own });
function drawPlot(box) {
  const source = document.getElementById(box.dataset.plot);
  if (!source || !window.Plotly) return;
  const figure = painted(JSON.parse(source.textContent));
  const own = { ...figure.layout };
  delete own.template;
  const layout = { ...look(), ...own, autosize: true };
  layout.xaxis = { ...axis(own.xaxis), showgrid: false };
  layout.yaxis = axis(own.yaxis);
  Plotly.react(box, figure.data, layout, { displayModeBar: false, responsive: true });
  if (figure.data.some((trace) => trace.customdata) && !box.dataset.linked) {
    box.dataset.linked = "1";
    box.on("plotly_click", (event) => {
      const link = event.points[0].customdata;
      if (link) htmx.ajax("GET", link, { target: "#drawer", swap: "innerHTML" });
    });
  }
}
function drawPlots(root = document) {
  const boxes = all("[data-plot]", root);
  if (boxes.length && !window.Plotly) return loadPlotly();
  boxes.forEach(drawPlot);
}
/* Five megabytes: fetched only by pages that have a chart. */
function loadPlotly() {
  if (document.getElementById("plotly")) return;
  const script = Object.assign(document.createElement("script"), { id: "plotly", src: document.body.dataset.plotly });
  script.addEventListener("load", () => drawPlots());
  document.head.append(script);
}
function savePlot(button) {
  const box = document.querySelector(button.dataset.png);
  if (box && window.Plotly) Plotly.downloadImage(box, { format: "png", scale: 2, width: 1200, height: 600, filename: button.dataset.name || "chart" });
}

function mount(root) {
  all("[data-drop]", root).forEach((zone) => { if (!zone.dataset.ready) { zone.dataset.ready = "1"; watchDrop(zone); } });
  all("#toasts .toast", root).forEach(fade);
  showTheme();
  drawPlots(root);
}

document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  if (at("[data-set-theme]")) setTheme(at("[data-set-theme]").dataset.setTheme);
  if (at("[data-close]")) closeDrawer();
  if (at("[data-dismiss]")) at(".toast").remove();
  if (at("[data-png]")) savePlot(at("[data-png]"));
  if (event.target.id === "drawer") closeDrawer();
  all("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  all("details.menu[open]").forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit();
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "drawer") openDrawer();
});
document.addEventListener("htmx:load", (event) => mount(event.detail.elt.parentNode || document));
document.addEventListener("htmx:responseError", () => toast({ text: "That did not work. Nothing was changed; please try again.", kind: "bad" }));
document.addEventListener("htmx:sendError", () => toast({ text: "The server did not answer. Check the connection and try again.", kind: "bad" }));
document.addEventListener("toast", (event) => toast(event.detail));
document.addEventListener("close-drawer", closeDrawer);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawPlots());
document.addEventListener("DOMContentLoaded", () => {
  mount(document);
  const drawer = document.getElementById("drawer");
  if (drawer) drawer.addEventListener("close", () => drawer.replaceChildren());
});
