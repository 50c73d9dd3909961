/* The list of customers by keyboard: "/" searches, arrows walk from the search through the people. Ticks of a whole page, counted. */
"use strict";

function people() {
  return [...document.querySelectorAll(".customers tbody th a")];
}
function typing(element) {
  return element.matches("input, textarea, select, [contenteditable]");
}
function walk(event) {
  const search = document.getElementById("q");
  const found = people();
  const at = found.indexOf(document.activeElement);
  if (!found.length || (document.activeElement !== search && at < 0)) return;
  event.preventDefault();
  const next = at + (event.key === "ArrowDown" ? 1 : -1);
  (next < 0 ? search : found[Math.min(next, found.length - 1)]).focus();
}
function tickAll(on) {
  document.querySelectorAll(".customers input[name=ids]").forEach((box) => { box.checked = on; });
}

document.addEventListener("keydown", (event) => {
  const search = document.getElementById("q");
  if (!search || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !typing(event.target)) {
    event.preventDefault();
    search.focus();
    search.select();
  }
  if (event.key === "ArrowDown" || event.key === "ArrowUp") walk(event);
});
/* How many are ticked, also after an answer brought other rows; those further down come as hidden fields. */
function tellTicked() {
  const told = document.querySelector("[data-ticked]");
  if (!told) return;
  const number = document.querySelectorAll(".customers input[name=ids]:checked, .bulk input[name=ids]").length;
  const words = number ? `${number} ticked` : "";
  if (told.textContent !== words) told.textContent = words;
}
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-tick-all]")) tickAll(event.target.checked);
  tellTicked();
});
document.addEventListener("htmx:afterSettle", tellTicked);
document.addEventListener("DOMContentLoaded", tellTicked);
/* After an answer that changed something the drawer of a form has nothing more to say. */
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && event.detail.requestConfig.verb === "post" && event.target.closest(".drawer")) {
    document.dispatchEvent(new Event("close-drawer"));
  }
});
