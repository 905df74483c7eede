/**
 * The service's answers, as types for editors; nothing runs here.
 *
 * @typedef {{code: string, title: string, billable: boolean, title_language?: string}} CodeName
 *
 * @typedef {object} Hit
 * @property {string} code
 * @property {string} title
 * @property {string} title_language
 * @property {string} official_title
 * @property {boolean} billable
 * @property {string} chapter
 * @property {string[]} path
 * @property {number} probability
 * @property {number} score
 * @property {number} rank
 * @property {?number} first_rank
 * @property {?number} second_rank
 * @property {string} alias
 * @property {string} alias_language
 * @property {string} alias_source
 *
 * @typedef {CodeName & {qualifier: ?string, value: string}} Choice
 *
 * @typedef {{probability: number, hit: Hit, hits: Hit[], choices: Choice[]}} Group
 *
 * @typedef {object} Answer
 * @property {string} query
 * @property {Hit[]} hits
 * @property {?string} language
 * @property {boolean} detected
 * @property {boolean} known
 * @property {number} precision
 * @property {number} threshold The least probability of a first hit that is `known`; above 1 where none is.
 * @property {string} release
 * @property {Group[]} groups
 *
 * @typedef {CodeName & {qualifier: string, difference: string, only_here: string[], only_there: string[]}} Confusable
 *
 * @typedef {object} CodeCard
 * @property {string} code
 * @property {string} title
 * @property {string} title_language
 * @property {string} official_title
 * @property {Record<string, string>} titles
 * @property {boolean} billable
 * @property {string} chapter
 * @property {string} chapter_title
 * @property {CodeName[]} path
 * @property {CodeName[]} children
 * @property {CodeName[]} siblings
 * @property {string[]} inclusion_terms
 * @property {string[]} excludes
 * @property {Confusable[]} confusables
 * @property {string} release
 *
 * @typedef {CodeName & {text: string, language: string}} Suggestion
 */

export {};
