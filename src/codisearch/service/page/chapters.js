/** The chapters of ICD-10-CM; their titles are in the locales, as `chapter.<number>`. */

import { t, tOr } from "./i18n.js";

/** Number of a chapter, and its first and last category. */
export const CHAPTERS = /** @type {const} */ ([
  ["01", "A00–B99"], ["02", "C00–D49"], ["03", "D50–D89"], ["04", "E00–E89"], ["05", "F01–F99"], ["06", "G00–G99"],
  ["07", "H00–H59"], ["08", "H60–H95"], ["09", "I00–I99"], ["10", "J00–J99"], ["11", "K00–K95"], ["12", "L00–L99"],
  ["13", "M00–M99"], ["14", "N00–N99"], ["15", "O00–O9A"], ["16", "P00–P96"], ["17", "Q00–QA0"], ["18", "R00–R99"],
  ["19", "S00–T88"], ["20", "V00–Y99"], ["21", "Z00–Z99"], ["22", "U00–U85"],
]);

/**
 * Returns range and title of a chapter, as a choice in a list.
 *
 * @param {readonly [string, string]} chapter
 */
export function chapterLabel([chapter, range]) {
  return `${range}  ${t(`chapter.${chapter}`)}`;
}

/**
 * Returns the title of a chapter in the language of the page.
 *
 * @param {string} chapter Its number in two digits.
 * @param {string} official Its English title, for a chapter that the page does not know.
 */
export function chapterTitle(chapter, official) {
  return tOr(`chapter.${chapter}`, official);
}
