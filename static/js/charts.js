/* Pictures of charts. Plotly draws the figure again off the page, in the colors of the theme in use; the
   SVG becomes a PNG by way of a data address, because the page's policy lets in no other kind of image. */
"use strict";

function plotlyReady() {
  if (window.Plotly) return Promise.resolve();
  loadPlotly();
  return new Promise((done) => document.getElementById("plotly").addEventListener("load", done));
}

async function savePicture(button) {
  const source = document.getElementById(button.dataset.savePng);
  if (!source) return;
  await plotlyReady();
  const figure = painted(JSON.parse(source.textContent));
  const layout = { ...look(), ...figure.layout, title: { text: button.dataset.title }, width: 1200, height: 640,
    margin: { l: 72, r: 24, t: 84, b: 56 }, paper_bgcolor: color("var(--surface)") };
  const svg = await Plotly.toImage({ data: figure.data, layout }, { format: "svg", width: 1200, height: 640 });
  const image = new Image();
  image.src = svg;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: 2400, height: 1280 });
  canvas.getContext("2d").drawImage(image, 0, 0, 2400, 1280);
  const link = Object.assign(document.createElement("a"), { href: canvas.toDataURL("image/png"), download: `${button.dataset.name}.png` });
  link.click();
}

/* A filter chosen by keyboard: its menu is replaced and closed, so the focus goes back to the new one's chip. */
let chip = "";
document.addEventListener("htmx:beforeRequest", (event) => {
  const menu = event.detail.elt.closest("details.menu");
  const summary = menu && menu.contains(document.activeElement) && menu.querySelector("summary");
  chip = summary ? summary.id : "";
});
document.addEventListener("htmx:afterSettle", () => {
  const summary = chip && document.getElementById(chip);
  chip = "";
  if (summary) summary.focus();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-save-png]");
  if (button) savePicture(button);
});
