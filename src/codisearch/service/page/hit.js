/** One result: code, titles, how probable it is, and why it is there. */

import { billableMark, nameLink } from "./codes.js";
import { copyButtons } from "./copy.js";
import { el } from "./dom.js";
import { choicesOf } from "./groups.js";
import { languageName, number, percent, t, tOr } from "./i18n.js";

/** @typedef {import("./types.js").Hit} Hit */

/**
 * Returns the result of a group, with its choices.
 *
 * @param {import("./types.js").Group} group
 * @param {?string} typed The code that was typed, if the phrase is one.
 */
export function groupItem({ hit, choices, probability: share }, typed) {
  return hitItem(hit, typed, choicesOf(hit, choices), share);
}

/**
 * Returns a result.
 *
 * @param {Hit} hit
 * @param {?string} typed The code that was typed, if the phrase is one.
 * @param {?HTMLElement} [choices]
 * @param {number} [share] How probable it is, with its choices.
 */
export function hitItem(hit, typed, choices = null, share = hit.probability) {
  return el(
    "li",
    { class: "hit", "data-code": hit.code, "data-title": hit.title },
    el("div", { class: "hit-main" }, ...titles(hit), el("p", { class: "matched" }, reason(hit, typed)), choices),
    el("div", { class: "hit-side" }, isGuess(hit, typed) ? null : probability(share), billableMark(hit.billable)),
    el("div", { class: "hit-foot" }, stages(hit), copyButtons(hit, -1)),
  );
}

/** @param {Hit} hit */
function titles({ code, title, billable, title_language: language, official_title: official }) {
  const link = nameLink({ code, title, title_language: language, billable }, { class: "hit-link", tabindex: -1 });
  return [link, language === "en" ? null : el("p", { class: "official", lang: "en" }, official)];
}

/**
 * Tells whether a code only stands near the one that was typed: then nothing is known of how probable it is.
 *
 * @param {Hit} hit
 * @param {?string} typed
 */
const isGuess = ({ code, alias_source: source }, typed) => source === "code" && code !== typed;

/**
 * @param {Hit} hit
 * @param {?string} typed
 */
function reason(hit, typed) {
  const { alias, alias_language: language, alias_source: source } = hit;
  if (isGuess(hit, typed)) {
    return [typed && hit.path.includes(typed) ? t("matched.below", { code: typed }) : t("matched.similar")];
  }
  if (source === "code") return [t("matched.code")];
  return [
    `${t("matched.text")} `,
    el("q", { lang: language }, alias),
    ` (${languageName(language)}, ${tOr(`source.${source}`, source)})`,
  ];
}

/** @param {number} share */
function probability(share) {
  const filled = el("span", { class: "bar-fill" });
  filled.style.width = `${Math.max(share * 100, 1)}%`; // set by script, which the policy for styles allows
  return el(
    "span",
    { class: "probability" },
    el("span", { class: "sr-only" }, `${t("results.probability")} `),
    el("span", { class: "bar-track", "aria-hidden": "true" }, filled),
    el("span", { class: "share" }, percent(share)),
  );
}

/** @param {Hit} hit */
function stages({ rank, first_rank: first, second_rank: second, score }) {
  const row = (/** @type {string} */ name, /** @type {string} */ value) => el("div", {}, el("dt", {}, name), el("dd", {}, value));
  const place = (/** @type {?number} */ value) => (value === null ? t("stages.none") : number(value));
  return el(
    "details",
    { class: "stages" },
    el("summary", { tabindex: -1 }, t("stages.title")),
    el(
      "dl",
      {},
      row(t("stages.first"), place(first)),
      row(t("stages.second"), place(second)),
      row(t("stages.final"), number(rank)),
      row(t("stages.score"), number(score, { minimumFractionDigits: 3, maximumFractionDigits: 3 })),
    ),
  );
}
