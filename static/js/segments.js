/* Keys of the builder: they press the buttons that are there anyway. Alt with arrows moves a line, Alt+G groups
   it, Alt+N adds one after it, Alt+Backspace removes it. Enter in the name makes the segment. */
"use strict";

const builderKeys = { ArrowUp: "up", ArrowDown: "down", g: "group", n: "add", Backspace: "remove" };

document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey) return;
  const verb = builderKeys[event.key.length === 1 ? event.code.replace("Key", "").toLowerCase() : event.key];
  const line = verb && event.target.closest("[data-line]");
  if (!line) return;
  const place = verb === "add" && !line.matches("[data-group]") ? line.parentElement.closest("[data-line]") : line;
  const button = place && place.querySelector(`:scope > * > [data-verb="${verb}"], :scope > .head > * > [data-verb="${verb}"]`);
  if (!button) return;
  event.preventDefault();
  if (!button.disabled) button.click();
});

/* A rule that is being built is nowhere but on the page: leaving asks first, unless that is what saving does. */
let unsaved = false, saving = false;
document.addEventListener("input", (event) => { if (event.target.closest("#builder")) unsaved = true; });
document.addEventListener("click", (event) => {
  const button = event.target.closest("#builder button[name=do]");
  if (!button) return;
  saving = button.value === "save";
  unsaved ||= !saving && button.value !== "check";
});
document.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target.id === "builder") saving = false; });
window.addEventListener("beforeunload", (event) => {
  if (unsaved && !saving && document.getElementById("builder")) event.preventDefault();
});

/* Without this it would press the first button of the form, which asks for the preview. */
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || event.repeat || !event.target.matches("#builder input[name=name]")) return;
  event.preventDefault();
  event.target.form.querySelector("button[value=save]").click();
});
