/** The panel of one code: where it stands in the tree, what it holds, and what is easily confused with it. */

import { chapterTitle } from "./chapters.js";
import { billableMark, codeList, nameLink, withLinks } from "./codes.js";
import { confusablesTable } from "./confusables.js";
import { copyButtons } from "./copy.js";
import { byId, el } from "./dom.js";
import { currentLocale, languageName, LOCALES, plural, t } from "./i18n.js";

/** @typedef {import("./types.js").CodeCard} CodeCard */

const FOLDED_FROM = 12;

/**
 * Shows that a code is being asked for.
 *
 * @param {string} code
 * @param {() => void} close
 */
export function showLoading(code, close) {
  fill(el("div", { class: "card-head" }, el("h2", { id: "card-title", tabindex: -1, class: "code" }, code), closeButton(close)),
    el("p", { class: "muted" }, t("card.loading")));
}

/**
 * Shows why there is no card.
 *
 * @param {string} code
 * @param {string} message
 * @param {import("./types.js").CodeName[]} suggestions Codes that may have been meant.
 * @param {() => void} close
 * @param {?() => void} [askForKey] Given where the API key is what is missing.
 */
export function showMissing(code, message, suggestions, close, askForKey = null) {
  fill(
    el("div", { class: "card-head" }, el("h2", { id: "card-title", tabindex: -1, class: "code" }, code), closeButton(close)),
    el("p", { class: "notice bad" }, message),
    askForKey && el("button", { type: "button", class: "small", click: askForKey }, t("apiKey.enter")),
    suggestions.length > 0 && section(t("card.similar"), codeList(suggestions)),
  );
}

/**
 * Shows a code.
 *
 * @param {CodeCard} card
 * @param {() => void} close
 */
export function showCard(card, close) {
  const { code, title, title_language: lang } = card;
  fill(
    el(
      "div",
      { class: "card-head" },
      el(
        "h2",
        { id: "card-title", tabindex: -1 },
        el("span", { class: "code" }, code),
        " ",
        el("span", { class: "card-name", lang }, title),
      ),
      closeButton(close),
    ),
    lang !== "en" && el("p", { class: "official", lang: "en" }, card.official_title),
    el("p", { class: "card-tools" }, billableMark(card.billable), copyButtons(card)),
    path(card),
    card.children.length > 0 && names(t("card.children"), card.children, false),
    card.confusables.length > 0 && section(t("card.confusables"), confusablesTable(card)),
    notes(t("card.inclusion"), card.inclusion_terms),
    notes(t("card.excludes"), card.excludes),
    card.siblings.length > 0 && names(t("card.siblings"), card.siblings, true),
    otherTitles(card),
  );
}

/** @param {...import("./dom.js").Child} children */
function fill(...children) {
  const panel = byId("card");
  panel.replaceChildren(...children.filter((child) => child instanceof Node));
  panel.hidden = false;
  panel.scrollTop = 0;
}

/** @param {() => void} close */
function closeButton(close) {
  return el(
    "button",
    { type: "button", class: "close", "aria-keyshortcuts": "Escape", click: close },
    el("span", { class: "wide-only" }, t("card.close")),
    el("span", { class: "narrow-only" }, `← ${t("card.back")}`),
  );
}

/**
 * @param {string} title
 * @param {...import("./dom.js").Child} children
 */
function section(title, ...children) {
  return el("section", { class: "block" }, el("h3", {}, title), ...children);
}

/** @param {CodeCard} card */
function path({ path: above, code, chapter, chapter_title: official }) {
  return el(
    "nav",
    { class: "path", "aria-label": t("card.path") },
    el(
      "ol",
      {},
      el("li", {}, t("card.chapter", { number: Number(chapter), title: chapterTitle(chapter, official) })),
      above.map((name) => el("li", {}, nameLink(name))),
      el("li", { "aria-current": "location" }, el("span", { class: "code" }, code)),
    ),
  );
}

/**
 * @param {string} title
 * @param {import("./types.js").CodeName[]} list
 * @param {boolean} foldable Whether a long list is folded away.
 */
function names(title, list, foldable) {
  if (!foldable || list.length < FOLDED_FROM) return section(title, codeList(list));
  return section(title, el("details", {}, el("summary", {}, plural("card.show", list.length)), codeList(list)));
}

/**
 * @param {string} title
 * @param {string[]} texts English texts of the tabular list.
 */
function notes(title, texts) {
  if (!texts.length) return null;
  const english = currentLocale() === "en" ? "" : ` (${languageName("en")})`;
  const items = texts.map((text) => el("li", {}, ...withLinks(text)));
  return section(title + english, el("ul", { class: "notes", lang: "en" }, items));
}

/** @param {CodeCard} card */
function otherTitles({ titles, title_language: shown }) {
  const others = LOCALES.filter((language) => titles[language] && language !== shown && language !== "en");
  if (!others.length) return null;
  const row = (/** @type {string} */ language) =>
    el("div", {}, el("dt", {}, languageName(language)), el("dd", { lang: language }, titles[language]));
  return section(t("card.titles"), el("dl", { class: "titles" }, others.map(row)));
}
