/** The list of codes for a phrase; one of them is selected, and the arrow keys move the selection. */

import { readCode } from "./codes.js";
import { byId, el } from "./dom.js";
import { groupItem, hitItem } from "./hit.js";
import { percent, percentsApart, plural, t } from "./i18n.js";

/** @typedef {import("./types.js").Answer} Answer */

let selected = 0;

/** @returns {HTMLElement[]} */
const items = () => /** @type {HTMLElement[]} */ ([...byId("hits").children]);

/** @param {HTMLElement} item */
const linkOf = (item) => /** @type {HTMLElement} */ (item.querySelector(".hit-link"));

/**
 * Shows an answer.
 *
 * @param {Answer} answer
 * @param {boolean} filtered Whether filters may have left codes out.
 */
export function showAnswer(answer, filtered) {
  const hadFocus = byId("hits").contains(document.activeElement);
  const typed = readCode(answer.query);
  const shown = answer.groups.length
    ? answer.groups.map((group) => groupItem(group, typed))
    : answer.hits.map((hit) => hitItem(hit, typed));
  byId("hits").replaceChildren(...shown);
  byId("start").hidden = true;
  byId("count").textContent = countText(answer, shown.length, filtered);
  showUnsure(answer);
  select(0);
  if (hadFocus) focusSelected();
}

/**
 * Takes the answer away.
 *
 * @param {boolean} withHelp Whether to show what to do, as before the first phrase.
 * @param {string} [why] Why there is none.
 */
export function clearAnswer(withHelp, why = "") {
  byId("hits").replaceChildren();
  byId("count").textContent = why;
  byId("unsure").hidden = true;
  byId("start").hidden = !withHelp;
}

/**
 * Returns an answer in a sentence, for those who do not see it.
 *
 * @param {Answer} answer
 * @param {boolean} filtered
 */
export function spoken(answer, filtered) {
  const count = countText(answer, answer.groups.length || answer.hits.length, filtered);
  const first = answer.hits[0];
  if (!first) return count;
  const unsure = answer.known ? "" : ` ${unsureText(answer)}`;
  return `${count}. ${t("results.first", { code: first.code, title: first.title })}${unsure}`;
}

/**
 * @param {Answer} answer
 * @param {number} count
 * @param {boolean} filtered
 */
function countText(answer, count, filtered) {
  if (!answer.hits.length) return t(filtered ? "results.noneFiltered" : "results.none");
  return answer.groups.length ? plural("results.groups", count) : plural("results.count", count);
}

/**
 * Tells whether an answer is to a typed code rather than to a phrase.
 *
 * @param {Answer} answer
 */
export const isTyped = (answer) => answer.hits[0]?.alias_source === "code";

/** @param {Answer} answer */
function unsureText(answer) {
  if (isTyped(answer)) return t("card.missing", { code: readCode(answer.query) ?? answer.query });
  const precision = percent(answer.precision);
  if (answer.threshold > 1) return t("results.outOfReach", { precision });
  const [share, needed] = percentsApart(answer.hits[0].probability, answer.threshold);
  return t("results.unsure", { precision, needed, share });
}

/** @param {Answer} answer */
function showUnsure(answer) {
  const banner = byId("unsure");
  banner.hidden = answer.known || !answer.hits.length;
  banner.replaceChildren(el("strong", {}, unsureText(answer)), " ", t("results.unsureHint"));
}

/** Listens to the list: a result that gets the focus is selected. */
export function startResults() {
  byId("hits").addEventListener("focusin", (event) => {
    const item = /** @type {Element} */ (event.target).closest(".hit");
    select(items().findIndex((other) => other === item));
  });
}

/**
 * Selects a result; only its controls are in the tab order.
 *
 * @param {number} place From 0; beyond an end it is that end.
 */
export function select(place) {
  const all = items();
  selected = Math.max(0, Math.min(place, all.length - 1));
  all.forEach((item, number) => {
    const here = number === selected;
    item.classList.toggle("selected", here);
    for (const control of item.querySelectorAll("a, button, summary")) control.setAttribute("tabindex", here ? "0" : "-1");
  });
}

/** @returns {number} The place of the selected result, from 0. */
export const selectedPlace = () => selected;

/** @returns {?{code: string, title: string}} The selected result. */
export function selectedCode() {
  const item = items()[selected];
  return item ? { code: item.dataset.code ?? "", title: item.dataset.title ?? "" } : null;
}

/** @returns {boolean} Whether there was a result to take the focus. */
export function focusSelected() {
  const item = items()[selected];
  if (item) linkOf(item).focus();
  return Boolean(item);
}

/**
 * Moves the focus to the result of a code, or to the selected one where it is not among them.
 *
 * @param {?string} code
 */
export function focusResult(code) {
  const place = items().findIndex((item) => item.dataset.code === code);
  if (place >= 0) select(place);
  return focusSelected();
}

/**
 * Marks the result whose code is open.
 *
 * @param {?string} code
 */
export function markOpen(code) {
  for (const item of items()) {
    if (item.dataset.code === code) linkOf(item).setAttribute("aria-current", "true");
    else linkOf(item).removeAttribute("aria-current");
  }
}
