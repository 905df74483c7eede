/** Codes that are easily taken for the open one, each side by side with it. */

import { billableMark, nameLink } from "./codes.js";
import { el } from "./dom.js";
import { t, tOr } from "./i18n.js";

/** @typedef {import("./types.js").CodeCard} CodeCard */
/** @typedef {import("./types.js").Confusable} Confusable */

/**
 * Returns a comparison for each code that is easily taken for the one of a card.
 *
 * @param {CodeCard} card
 */
export function confusablesTable(card) {
  return el("ul", { class: "comparisons" }, card.confusables.map((other) => comparison(card, other)));
}

/**
 * @param {CodeCard} card
 * @param {Confusable} other
 */
function comparison(card, other) {
  const qualifier = tOr(`qualifier.${other.qualifier}`, other.qualifier);
  const lang = card.title_language;
  return el(
    "li",
    { class: "comparison" },
    el(
      "p",
      { class: "differs" },
      el("strong", {}, t("card.differs", { qualifier })),
      other.difference && el("span", { lang: "en" }, ` ${other.difference}`),
    ),
    el(
      "div",
      { class: "sides" },
      el(
        "div",
        { class: "side here" },
        el("p", {}, el("span", { class: "code" }, card.code), " ", el("span", { lang }, card.title)),
        words("ins", "+", t("card.onlyHere"), other.only_here),
      ),
      el(
        "div",
        { class: "side there" },
        el("p", {}, nameLink(other), " ", billableMark(other.billable)),
        words("del", "−", t("card.onlyThere"), other.only_there),
      ),
    ),
  );
}

/**
 * Returns the words that only one of two titles has, marked by sign and text as well as by colour.
 *
 * @param {"ins" | "del"} tag
 * @param {string} sign
 * @param {string} label
 * @param {string[]} found English words.
 */
function words(tag, sign, label, found) {
  if (!found.length) return null;
  const marked = found.map((word) => el(tag, { lang: "en" }, el("span", { "aria-hidden": "true" }, sign), word));
  return el("p", { class: "words" }, `${label} `, ...marked.flatMap((word) => [word, " "]));
}
