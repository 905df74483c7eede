/** Completions of what is being typed; choosing one puts it into the field. */

import { suggest } from "./api.js";
import { byId, el } from "./dom.js";

const SHOWN = 6;
const box = byId("completions");

/**
 * Shows completions of a text. They are a convenience: where they fail, there are none.
 *
 * @param {string} text
 * @param {string} language Completions in this one come first.
 * @param {AbortSignal} signal
 * @param {(text: string) => void} choose
 */
export async function showCompletions(text, language, signal, choose) {
  try {
    const body = { q: text, top: SHOWN, language };
    const { suggestions } = await suggest(body, { signal });
    const others = suggestions.filter((one) => one.text.toLowerCase() !== text.toLowerCase());
    if (!signal.aborted) fill(others.slice(0, SHOWN).map((one) => button(one, choose)));
  } catch {
    if (!signal.aborted) clearCompletions();
  }
}

/** Takes the completions away. */
export function clearCompletions() {
  fill([]);
}

/** @param {HTMLElement[]} buttons */
function fill(buttons) {
  const hadFocus = box.contains(document.activeElement);
  box.replaceChildren(...buttons);
  box.hidden = buttons.length === 0;
  box.scrollLeft = 0;
  mark(0);
  if (hadFocus) (buttons[0] ?? byId("query")).focus();
}

/**
 * Puts one completion into the tab order: Tab passes them in one step, the arrow keys go through them.
 *
 * @param {number} place
 */
function mark(place) {
  [...box.children].forEach((button, number) => button.setAttribute("tabindex", number === place ? "0" : "-1"));
}

/**
 * Moves the focus among the completions.
 *
 * @param {number} step
 * @returns {boolean} Whether the focus was on one.
 */
export function moveAlong(step) {
  const buttons = /** @type {HTMLElement[]} */ ([...box.children]);
  const place = buttons.findIndex((button) => button === document.activeElement);
  if (place < 0) return false;
  const next = Math.max(0, Math.min(place + step, buttons.length - 1));
  mark(next);
  buttons[next].focus();
  return true;
}

/**
 * @param {import("./types.js").Suggestion} suggestion
 * @param {(text: string) => void} choose
 */
function button({ text, code, title, language }, choose) {
  const isCode = text === code;
  const hint = isCode ? null : `${code} ${title}`;
  return el(
    "button",
    { type: "button", class: "chip", lang: language || null, title: hint, click: () => choose(text) },
    isCode ? el("span", { class: "code" }, code) : text,
    isCode && ` ${title}`,
  );
}
