/* Fields that search while one types: a combobox after the pattern of WAI-ARIA. The server brings the list of choices;
   here are its keys, and the chips of what is chosen. ArrowDown opens, Enter takes, Escape closes, Backspace in an
   empty field takes the last chip away. Without this script the form's buttons do the same. */
"use strict";

const partsOf = (element) => {
  const box = element.closest("[data-picker]");
  return box && { box, field: box.querySelector("[role=combobox]"), popup: box.querySelector(".choices"), chosen: box.querySelector(".chosen") };
};
const optionsOf = ({ popup }) => [...popup.querySelectorAll("[role=option]")];
const isNumbered = ({ field }) => /[?&]of=(product|segment|list)&/.test(field.getAttribute("hx-get"));

function openPicker(picker) {
  picker.popup.hidden = false;
  picker.field.setAttribute("aria-expanded", "true");
}
function closePicker(picker) {
  picker.popup.hidden = true;
  picker.field.setAttribute("aria-expanded", "false");
  picker.field.removeAttribute("aria-activedescendant");
}
function suggest(picker) {
  htmx.trigger(picker.field, "suggest");
}
function sayIn(picker, text) {
  picker.box.querySelector("[role=status]").textContent = text;
}
function activeOf(picker) {
  return picker.popup.hidden ? null : picker.popup.querySelector("[aria-selected=true]");
}
function activate(picker, option) {
  optionsOf(picker).forEach((one) => one.setAttribute("aria-selected", String(one === option)));
  if (!option) return picker.field.removeAttribute("aria-activedescendant");
  picker.field.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}
function step(picker, by) {
  const found = optionsOf(picker);
  if (!found.length) return;
  const at = found.indexOf(activeOf(picker));
  activate(picker, found[at < 0 ? (by > 0 ? 0 : found.length - 1) : (at + by + found.length) % found.length]);
}

/* The preview hears "input", as from any other field of the rule. */
function changed(picker) {
  (picker.chosen || picker.field).dispatchEvent(new Event("input", { bubbles: true }));
}
function valuesOf(picker) {
  return [...picker.chosen.querySelectorAll("input")].map((one) => one.value);
}
function take(picker, { value, label, detail = "" }) {
  closePicker(picker);
  if (!picker.chosen) {
    picker.field.value = value;
    return changed(picker);
  }
  picker.field.value = "";
  if (valuesOf(picker).includes(value)) return sayIn(picker, `${label} is chosen already.`);
  if ("single" in picker.box.dataset) picker.chosen.replaceChildren();
  const chip = picker.box.querySelector("template").content.firstElementChild.cloneNode(true);
  chip.querySelector("input").value = value;
  chip.querySelector("span").textContent = label;
  chip.querySelector("small").textContent = detail;
  if (!detail) chip.querySelector("small").remove();
  chip.querySelector("button").setAttribute("aria-label", `Remove ${label}`);
  picker.chosen.append(chip);
  sayIn(picker, `${label} chosen, ${valuesOf(picker).length} in all.`);
  changed(picker);
}
/* What was typed and has not been taken from the list: a value of its own, unless only the list has values. */
function takeTyped(picker, text = picker.field.value) {
  if (!picker.chosen) return closePicker(picker);
  const words = text.split(/[\r\n\t]+/).map((one) => one.trim()).filter(Boolean);
  picker.field.value = "";
  closePicker(picker);
  if (!isNumbered(picker)) words.forEach((one) => take(picker, { value: one, label: one }));
}
function removeChip(picker, chip) {
  const label = chip.querySelector("span").textContent;
  const next = chip.nextElementSibling || chip.previousElementSibling;
  const held = chip.contains(document.activeElement);
  chip.remove();
  if (held) (next ? next.querySelector("button") : picker.field).focus();
  sayIn(picker, `${label} removed, ${valuesOf(picker).length} left.`);
  changed(picker);
}

function pressed(picker, event) {
  const open = !picker.popup.hidden;
  const active = activeOf(picker);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (open) step(picker, event.key === "ArrowDown" ? 1 : -1);
    else suggest(picker);
  } else if (event.key === "Enter" && active) take(picker, active.dataset);
  else if (event.key === "Enter" && picker.chosen) {
    const nearest = isNumbered(picker) && open && picker.field.value.trim() && optionsOf(picker);
    if (nearest && nearest.length === 1) take(picker, nearest[0].dataset);
    else if (!isNumbered(picker)) takeTyped(picker);
  } else if (event.key === "Escape" && open) closePicker(picker);
  else if (event.key === "Backspace" && picker.chosen && !picker.field.value && picker.chosen.lastElementChild) {
    removeChip(picker, picker.chosen.lastElementChild);
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

/* Before htmx and the page's own keys: Enter must not ask for the preview, Escape must not close more than the list. */
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing || !event.target.matches("[data-picker] [role=combobox]")) return;
  pressed(partsOf(event.target), event);
}, true);
document.addEventListener("mousedown", (event) => {
  // The field keeps the focus while an option is pressed.
  if (event.target.closest("[data-picker] .choices")) event.preventDefault();
});
document.addEventListener("click", (event) => {
  const picker = partsOf(event.target);
  if (!picker) return;
  const option = event.target.closest("[role=option]");
  const remove = event.target.closest("[data-remove]");
  if (option) take(picker, option.dataset);
  else if (remove) {
    event.preventDefault();
    removeChip(picker, remove.closest(".chip"));
  } else if (event.target === picker.field && picker.popup.hidden) suggest(picker);
});
document.addEventListener("focusout", (event) => {
  if (!event.target.matches("[data-picker] [role=combobox]")) return;
  const picker = partsOf(event.target);
  if (event.relatedTarget && picker.popup.contains(event.relatedTarget)) return;
  takeTyped(picker);
});
/* Many at once, one per line, as out of a spreadsheet. */
document.addEventListener("paste", (event) => {
  if (!event.target.matches("[data-picker=chips] [role=combobox]")) return;
  const picker = partsOf(event.target);
  const text = event.clipboardData.getData("text");
  if (!/[\r\n\t]/.test(text.trim()) || isNumbered(picker)) return;
  event.preventDefault();
  // The field itself would join the lines.
  takeTyped(picker, text);
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (!event.detail.target.matches("[data-picker] .choices")) return;
  const picker = partsOf(event.detail.target);
  // The answer may come after the field was left, or after its word was taken.
  if (document.activeElement !== picker.field) return;
  picker.field.removeAttribute("aria-activedescendant");
  openPicker(picker);
  const count = optionsOf(picker).length;
  const told = picker.popup.querySelector("p");
  sayIn(picker, `${count ? `${count} found.` : ""} ${told ? told.textContent : ""}`.trim());
});
