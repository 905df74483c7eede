/** The controls of a search: language, chapter, code above, and how the answer is shown. */

import { CHAPTERS, chapterLabel } from "./chapters.js";
import { readCode } from "./codes.js";
import { byId, el } from "./dom.js";
import { currentLocale, languageName, LOCALES, percent, t } from "./i18n.js";
import { prefer, preference } from "./state.js";

const PRECISIONS = ["0.7", "0.8", "0.9", "0.95"];

const languages = /** @type {HTMLSelectElement} */ (byId("query-language"));
const chapter = /** @type {HTMLSelectElement} */ (byId("chapter"));
const precision = /** @type {HTMLSelectElement} */ (byId("precision"));
const under = /** @type {HTMLInputElement} */ (byId("under"));
const top = /** @type {HTMLSelectElement} */ (byId("top"));
const billable = /** @type {HTMLInputElement} */ (byId("billable"));
const grouped = /** @type {HTMLInputElement} */ (byId("grouped"));
const toggle = /** @type {HTMLButtonElement} */ (byId("filter-toggle"));

/**
 * Puts the preferences into the controls and calls back when one of them changes.
 *
 * @param {() => void} changed
 */
export function startFilters(changed) {
  top.value = preference("top");
  if (!top.value) top.value = "10";
  billable.checked = preference("billable");
  grouped.checked = preference("grouped");
  for (const control of [languages, chapter, precision, top, billable, grouped]) {
    control.addEventListener("change", () => {
      keep();
      refresh(changed);
    });
  }
  under.addEventListener("input", () => refresh(changed));
  byId("clear-filters").addEventListener("click", () => {
    clearFilters();
    keep();
    refresh(changed);
    chapter.focus();
  });
  toggle.addEventListener("click", () => toggle.setAttribute("aria-expanded", String(toggle.ariaExpanded !== "true")));
}

/** Writes the lists of languages, chapters and precisions in the language of the page. */
export function translateFilters() {
  const option = (/** @type {string} */ value, /** @type {string} */ text) => el("option", { value }, text);
  const chosen = [languages.value || preference("language"), chapter.value, precision.value || preference("precision")];
  languages.replaceChildren(option("", t("search.detect")), ...LOCALES.map((tag) => option(tag, languageName(tag))));
  chapter.replaceChildren(
    option("", t("filters.allChapters")),
    ...CHAPTERS.map((known) => option(known[0], chapterLabel(known))),
  );
  precision.replaceChildren(...PRECISIONS.map((share) => option(share, percent(Number(share)))));
  [languages.value, chapter.value, precision.value] = chosen;
  if (!precision.value) precision.value = "0.8"; // what was remembered is no longer offered
  showState();
}

/**
 * Shows which language was detected, in the place of the choice that asks for it.
 *
 * @param {?string} language Null where none was.
 * @param {boolean} [tried] Whether there was a phrase to detect it in.
 */
export function showDetected(language, tried = false) {
  const none = t(tried ? "search.undetected" : "search.detect");
  languages.options[0].textContent = language ? t("search.detected", { language: languageName(language) }) : none;
}

/** @returns {object} The options of a search request. */
export function searchOptions() {
  const code = readCode(under.value);
  return {
    top: Number(top.value),
    precision: Number(precision.value),
    display_language: titleLanguage(),
    ...(languages.value && { language: languages.value }),
    ...(billable.checked && { billable_only: true }),
    ...(grouped.checked && { grouped: true }),
    ...(chapter.value && { chapter: chapter.value }),
    ...(code && { under: code }),
  };
}

/** @returns {string} The language that phrases are in, empty where it is to be detected. */
export const queryLanguage = () => languages.value;

/** @returns {string} The language that titles should be in: that of the phrases, else that of the page. */
export const titleLanguage = () => languages.value || currentLocale();

/** @returns {boolean} Whether codes may be left out. */
export const filtered = () => countFilters() > 0;

/** @returns {number} */
function countFilters() {
  return [billable.checked, chapter.value, readCode(under.value)].filter(Boolean).length;
}

function clearFilters() {
  billable.checked = false;
  chapter.value = "";
  under.value = "";
}

function keep() {
  prefer("language", languages.value);
  prefer("top", top.value);
  prefer("precision", precision.value);
  prefer("billable", billable.checked);
  prefer("grouped", grouped.checked);
}

/** @param {() => void} changed */
function refresh(changed) {
  showState();
  changed();
}

/** @returns {boolean} Whether there is text below which no code can stand: then nothing can be searched. */
export const isUnderWrong = () => under.value.trim() !== "" && readCode(under.value) === null;

function showState() {
  const wrong = isUnderWrong();
  under.toggleAttribute("aria-invalid", wrong);
  if (wrong) under.setAttribute("aria-invalid", "true");
  byId("under-error").textContent = wrong ? t("filters.underInvalid") : "";
  const count = countFilters();
  byId("clear-filters").hidden = count === 0 && !wrong;
  toggle.textContent = count ? `${t("filters.title")} (${count})` : t("filters.title");
}
