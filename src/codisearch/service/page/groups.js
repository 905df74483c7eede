/** The choices of a group: codes that differ from a result by side, encounter or another single qualifier. */

import { billableMark, codeLink } from "./codes.js";
import { el } from "./dom.js";
import { plural, tOr } from "./i18n.js";

/** @typedef {import("./types.js").Choice} Choice */
/** @typedef {import("./types.js").Hit} Hit */

const SHOWN = 6;

/**
 * Returns the choices of a group by qualifier, or null where there is nothing to choose.
 *
 * @param {Hit} hit The group's first hit.
 * @param {Choice[]} choices All codes of the group, that hit among them.
 * @returns {?HTMLElement}
 */
export function choicesOf(hit, choices) {
  const others = choices.filter((choice) => choice.code !== hit.code);
  if (!others.length) return null;
  const qualifiers = [...new Set(others.map((choice) => choice.qualifier ?? ""))];
  return el(
    "dl",
    { class: "choices" },
    qualifiers.map((qualifier) => set(qualifier, others.filter((choice) => (choice.qualifier ?? "") === qualifier), hit)),
  );
}

/**
 * @param {string} qualifier
 * @param {Choice[]} choices
 * @param {Hit} hit
 */
function set(qualifier, choices, hit) {
  const rows = choices.map((choice) => row(choice, hit));
  const rest = rows.slice(SHOWN);
  const summary = el("summary", { tabindex: -1 }, plural("choices.more", rest.length));
  return el(
    "div",
    {},
    el("dt", {}, tOr(`qualifier.${qualifier}`, qualifier)),
    el(
      "dd",
      {},
      el("ul", {}, rows.slice(0, SHOWN)),
      rest.length > 0 && el("details", {}, summary, el("ul", {}, rest)),
    ),
  );
}

/**
 * @param {Choice} choice
 * @param {Hit} hit
 */
function row({ code, title, billable, value }, hit) {
  const known = value && tOr(`value.${value}`, "");
  const text = known || el("span", { lang: value ? "en" : null }, value || title);
  return el(
    "li",
    {},
    codeLink(code, { tabindex: -1, title }, el("span", { class: "code" }, code), " ", text),
    billable !== hit.billable && billableMark(billable),
  );
}
