/** Texts, numbers and language names in the language of the page. */

import { preference } from "./state.js";

export const LOCALES = ["en", "es", "ca", "it", "pt", "fr"];
const ATTRIBUTES = ["aria-label", "placeholder"];

/** @type {Record<string, string>} */
let texts = {};
let locale = "en";

/** @returns {string} The language that was chosen, else the first of the browser's that there is, else English. */
export function preferredLocale() {
  const wanted = [preference("ui"), ...navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase())];
  return wanted.find((tag) => LOCALES.includes(tag)) ?? "en";
}

/** @returns {string} The language that the page is in. */
export function currentLocale() {
  return locale;
}

/**
 * Loads a language and puts it into the page.
 *
 * @param {string} wanted One of `LOCALES`.
 */
export async function useLocale(wanted) {
  const response = await fetch(new URL(`./locales/${wanted}.json`, import.meta.url));
  if (!response.ok) throw new Error(`No texts for ${wanted}: status ${response.status}.`);
  texts = await response.json();
  locale = wanted;
  document.documentElement.lang = wanted;
  translate(document);
}

/** @param {Document} root */
function translate(root) {
  for (const element of root.querySelectorAll("[data-i18n]")) {
    element.textContent = t(element.getAttribute("data-i18n") ?? "");
  }
  for (const attribute of ATTRIBUTES) {
    for (const element of root.querySelectorAll(`[data-i18n-${attribute}]`)) {
      element.setAttribute(attribute, t(element.getAttribute(`data-i18n-${attribute}`) ?? ""));
    }
  }
}

/**
 * Returns a text with its values filled in.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (hole, name) => String(values[name] ?? hole));
}

/**
 * Returns the text of a key where there is one, else what is given instead.
 *
 * @param {string} key
 * @param {string} otherwise
 */
export function tOr(key, otherwise) {
  return texts[key] ?? otherwise;
}

/**
 * Returns the form of a text that fits a number: `key.one` or `key.other`.
 *
 * @param {string} key
 * @param {number} count
 */
export function plural(key, count) {
  const form = new Intl.PluralRules(locale).select(count) === "one" ? "one" : "other";
  return t(`${key}.${form}`, { count: number(count) });
}

/**
 * @param {number} value
 * @param {Intl.NumberFormatOptions} [options]
 */
export function number(value, options = {}) {
  return new Intl.NumberFormat(locale, options).format(value);
}

/**
 * Returns a share in per cent, without claiming certainty that is not there: 0.999 is "> 99 %".
 *
 * @param {number} share
 */
export function percent(share) {
  const style = /** @type {const} */ ({ style: "percent", maximumFractionDigits: 0 });
  if (share < 1 && share >= 0.995) return `> ${number(0.99, style)}`;
  if (share > 0 && share < 0.005) return `< ${number(0.01, style)}`;
  return number(share, style);
}

/**
 * Returns two shares in per cent with as few digits as tell them apart, and the greater from 100 %.
 *
 * @param {number} less
 * @param {number} more
 */
export function percentsApart(less, more) {
  const written = (/** @type {number} */ digits) =>
    [less, more, 1].map((share) => number(share, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }));
  const [low, high] = [0, 1, 2].map(written).find(([one, two, all]) => one !== two && two !== all) ?? written(2);
  return [low, high];
}

/** @param {string} language */
export function languageName(language) {
  return new Intl.DisplayNames([locale], { type: "language" }).of(language) ?? language;
}
