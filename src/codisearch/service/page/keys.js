/** The keyboard: every step of the work has a key. */

import { moveAlong } from "./completions.js";
import { copy } from "./copy.js";
import { dialogOpen, openHelp } from "./dialogs.js";
import { byId } from "./dom.js";
import { focusSelected, select, selectedCode, selectedPlace } from "./results.js";
import { preference } from "./state.js";

/**
 * @typedef {object} Actions
 * @property {() => boolean} closeCard Closes the panel; whether it was open.
 * @property {() => ?{code: string, title: string}} openCard The code in the panel.
 * @property {() => void} clearQuery
 * @property {() => Promise<void>} searchNow Searches for what is in the field, if that is not done yet.
 */

const LAST = Number.MAX_SAFE_INTEGER;
const field = /** @type {HTMLInputElement} */ (byId("query"));

/**
 * Listens to the keyboard.
 *
 * @param {Actions} actions
 */
export function startKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || dialogOpen()) return;
    const done =
      event.key === "Escape" ? escape(actions) : inField(event, actions) || inCompletions(event) || inHits(event) || single(event, actions);
    if (done) event.preventDefault();
  });
}

/** @param {Actions} actions */
function escape(actions) {
  if (actions.closeCard()) return true;
  if (document.activeElement === field) actions.clearQuery();
  field.focus();
  return true;
}

/**
 * From the field to the results.
 *
 * @param {KeyboardEvent} event
 * @param {Actions} actions
 */
function inField(event, actions) {
  if (event.target !== field) return false;
  if (event.key === "Enter") {
    actions.searchNow().then(focusSelected);
    return true;
  }
  return event.key === "ArrowDown" && focusSelected();
}

/**
 * From completion to completion.
 *
 * @param {KeyboardEvent} event
 */
function inCompletions({ key }) {
  return (key === "ArrowLeft" && moveAlong(-1)) || (key === "ArrowRight" && moveAlong(1));
}

/**
 * From result to result.
 *
 * @param {KeyboardEvent} event
 */
function inHits(event) {
  const hit = /** @type {Element} */ (event.target).closest(".hit");
  if (!hit) return false;
  if (event.key === "ArrowUp" && selectedPlace() === 0) {
    field.focus();
    return true;
  }
  /** @type {Record<string, number>} */
  const places = { ArrowUp: selectedPlace() - 1, ArrowDown: selectedPlace() + 1, Home: 0, End: LAST };
  if (!(event.key in places)) return false;
  select(places[event.key]);
  return focusSelected();
}

/**
 * Single letters, where no text is being written and they are not switched off.
 *
 * @param {KeyboardEvent} event
 * @param {Actions} actions
 */
function single(event, actions) {
  const target = /** @type {Element} */ (event.target);
  if (!preference("keys") || target.matches("input:not([type=checkbox]), textarea, select")) return false;
  if (event.key === "/") {
    field.focus();
    field.select();
    return true;
  }
  if (event.key === "?") {
    openHelp();
    return true;
  }
  return copyKey(event.key.toLowerCase(), target.closest("#card") ? actions.openCard() : selectedCode());
}

/**
 * @param {string} key
 * @param {?{code: string, title: string}} named
 */
function copyKey(key, named) {
  if (!named || (key !== "c" && key !== "t")) return false;
  copy(key === "c" ? named.code : `${named.code} ${named.title}`);
  return true;
}
