/** Codes as the page writes and links them. */

import { el } from "./dom.js";
import { t } from "./i18n.js";

const CODE = /^[A-Z][0-9A-Z]{2}(\.[0-9A-Z]{1,4})?$/;
// in a note of the tabular list: O24.4-, A00-B99, M1A; a letter and a digit, so that no word is taken for a code
const IN_TEXT = /\b(?:[A-Z]\d[0-9A-Z]|QA\d)(?:\.[0-9A-Z]{1,4})?\b/g;

/**
 * Returns what was typed as a dotted code (`e119` is `E11.9`), or null where it has not the form of one.
 *
 * @param {string} text
 * @returns {?string}
 */
export function readCode(text) {
  const bare = text.trim().toUpperCase().replaceAll(".", "");
  const code = bare.length <= 3 ? bare : `${bare.slice(0, 3)}.${bare.slice(3)}`;
  return CODE.test(code) && /\d/.test(code) ? code : null;
}

/** @returns {?string} The code that the address names behind its #. */
export function codeInAddress() {
  try {
    return readCode(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return null; // a broken escape
  }
}

/**
 * Returns a link that opens a code.
 *
 * @param {string} code
 * @param {import("./dom.js").Attributes} [attributes]
 * @param {...import("./dom.js").Child} children The code itself where nothing is given.
 */
export function codeLink(code, attributes = {}, ...children) {
  return el("a", { href: `#${code}`, translate: "no", ...attributes }, ...(children.length ? children : [code]));
}

/**
 * Returns a mark that tells by text and shape whether a code can be billed.
 *
 * @param {boolean} billable
 */
export function billableMark(billable) {
  return billable
    ? el("span", { class: "mark billable" }, t("mark.billable"))
    : el("span", { class: "mark heading" }, t("mark.heading"));
}

/**
 * Returns a link that shows a code with its title.
 *
 * @param {import("./types.js").CodeName} name
 * @param {import("./dom.js").Attributes} [attributes]
 */
export function nameLink({ code, title, title_language: lang }, attributes = {}) {
  return codeLink(code, attributes, el("span", { class: "code" }, code), " ", el("span", { class: "title", lang }, title));
}

/**
 * Returns a list of codes with their titles, each a link.
 *
 * @param {import("./types.js").CodeName[]} names
 */
export function codeList(names) {
  return el("ul", { class: "codes" }, names.map((name) => el("li", {}, nameLink(name), " ", billableMark(name.billable))));
}

/**
 * Returns a note of the tabular list with the codes that it names as links.
 *
 * @param {string} note
 * @returns {(string | HTMLElement)[]}
 */
export function withLinks(note) {
  const pieces = [];
  let end = 0;
  for (const found of note.matchAll(IN_TEXT)) {
    pieces.push(note.slice(end, found.index), codeLink(found[0], { class: "inline-code" }));
    end = found.index + found[0].length;
  }
  return [...pieces, note.slice(end)];
}
