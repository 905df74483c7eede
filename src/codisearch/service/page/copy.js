/** Copies text and says so, also where the page is not served over HTTPS. */

import { byId, el } from "./dom.js";
import { t } from "./i18n.js";

const SHOWN_MS = 2200;
let timer = 0;

/**
 * Tells a screen reader something, without moving the focus.
 *
 * @param {string} text
 */
export function announce(text) {
  byId("live").textContent = text;
}

/**
 * Copies a text to the clipboard and confirms it.
 *
 * @param {string} text
 */
export async function copy(text) {
  const copied = await written(text);
  const message = copied ? t("copy.done", { text }) : t("copy.failed");
  announce(message);
  const toast = byId("toast");
  toast.textContent = message;
  toast.classList.add("shown");
  clearTimeout(timer);
  timer = setTimeout(() => toast.classList.remove("shown"), SHOWN_MS);
}

/**
 * Returns two buttons that copy a code, and a code with its title.
 *
 * @param {{code: string, title: string}} named
 * @param {number} [tabIndex]
 */
export function copyButtons({ code, title }, tabIndex = 0) {
  const button = (/** @type {string} */ label, /** @type {string} */ name, /** @type {string} */ text) =>
    el("button", { type: "button", class: "small", tabindex: tabIndex, "aria-label": name, click: () => copy(text) }, label);
  return el(
    "span",
    { class: "copy-buttons" },
    button(t("copy.code"), `${t("copy.code")}: ${code}`, code),
    button(t("copy.both"), `${t("copy.both")}: ${code}`, `${code} ${title}`),
  );
}

/**
 * @param {string} text
 * @returns {Promise<boolean>}
 */
async function written(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writtenTheOldWay(text); // no clipboard over plain HTTP, or it is not allowed
  }
}

/** @param {string} text */
function writtenTheOldWay(text) {
  const focused = /** @type {?HTMLElement} */ (document.activeElement);
  const area = /** @type {HTMLTextAreaElement} */ (el("textarea", { class: "sr-only", "aria-hidden": "true" }));
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return done;
}
