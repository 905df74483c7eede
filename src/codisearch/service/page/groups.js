/** The choices of a group: codes that differ from a result by side, encounter or another single qualifier. */

import { billableMark, codeLink } from "./codes.js";
import { el } from "./dom.js";
import { plural, tOr } from "./i18n.js";

/** @typedef {import("./types.js").Choice} Choice */
/** @typedef {import("./types.js").Hit} Hit */

const SHOWN = 3;

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
  const sorted = byQualifier(others).flatMap(([, same]) => same);
  const rest = sorted.slice(SHOWN);
  const summary = el("summary", { tabindex: -1 }, plural("choices.more", rest.length));
  return el(
    "div",
    { class: "choices" },
    list(sorted.slice(0, SHOWN), hit),
    rest.length > 0 && el("details", {}, summary, list(rest, hit)),
  );
}

/**
 * @param {Choice[]} choices
 * @returns {[string, Choice[]][]}
 */
function byQualifier(choices) {
  const qualifiers = [...new Set(choices.map((choice) => choice.qualifier ?? ""))];
  return qualifiers.map((qualifier) => [qualifier, choices.filter((choice) => (choice.qualifier ?? "") === qualifier)]);
}

/**
 * @param {Choice[]} choices
 * @param {Hit} hit
 */
function list(choices, hit) {
  return el("dl", {}, byQualifier(choices).map(([qualifier, same]) => set(qualifier, same, hit)));
}

/**
 * @param {string} qualifier
 * @param {Choice[]} choices
 * @param {Hit} hit
 */
function set(qualifier, choices, hit) {
  const rows = choices.map((choice) => row(choice, hit));
  return el("div", {}, el("dt", {}, tOr(`qualifier.${qualifier}`, qualifier)), el("dd", {}, el("ul", {}, rows)));
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
