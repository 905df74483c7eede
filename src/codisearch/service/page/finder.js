/** Searches while a phrase is written: waits for a pause, drops stale answers, shows the newest. */

import { ApiError, search } from "./api.js";
import { clearCompletions, showCompletions } from "./completions.js";
import { announce } from "./copy.js";
import { requireKey } from "./dialogs.js";
import { byId } from "./dom.js";
import { filtered, isUnderWrong, queryLanguage, searchOptions, showDetected, titleLanguage } from "./filters.js";
import { t } from "./i18n.js";
import { openCode } from "./panel.js";
import { clearProblem, showBusy, showProblem } from "./problems.js";
import { clearAnswer, isTyped, markOpen, showAnswer, spoken } from "./results.js";

const PAUSE_MS = 150;
const SPOKEN_AFTER_MS = 700; // not at every letter
const PROGRESS_AFTER_MS = 300;
const SHORTEST = 2;
const LONGEST = 2000; // as the service counts: characters, white space squeezed

const field = /** @type {HTMLInputElement} */ (byId("query"));

/** @type {?import("./types.js").Answer} */
let answer = null;
let asked = ""; // what the newest request asks for
let request = new AbortController();
let pause = 0;
let speech = 0;
/** @type {Promise<void>} */
let running = Promise.resolve();

/** @type {(answer: import("./types.js").Answer) => void} */
let answered = () => {};

/**
 * Listens to the field.
 *
 * @param {(answer: import("./types.js").Answer) => void} told Called with each answer that is shown.
 */
export function startFinder(told) {
  answered = told;
  field.addEventListener("input", (event) => {
    if (/** @type {InputEvent} */ (event).isComposing) return;
    clearTimeout(pause);
    if (!phrase()) reset();
    else pause = setTimeout(searchNow, PAUSE_MS);
  });
  field.addEventListener("compositionend", () => searchNow());
}

/** @returns {string} What is in the field, empty where it is too short to search for. */
function phrase() {
  const text = field.value.trim();
  return text.length < SHORTEST ? "" : text;
}

/** @returns {Promise<void>} Done when the newest answer is shown. */
export function searchNow() {
  clearTimeout(pause);
  const text = phrase();
  if (!text) return running;
  if (isUnderWrong()) return halt(() => clearAnswer(false, t("filters.underInvalid")));
  if ([...text.replace(/\s+/gu, " ")].length > LONGEST) return halt(() => fail(new ApiError("tooLarge")));
  const body = { query: text, ...searchOptions() };
  if (JSON.stringify(body) === asked) return running;
  asked = JSON.stringify(body);
  running = ask(text, body);
  return running;
}

/** Searches again, also for what is shown already. */
export function searchAgain() {
  asked = "";
  return searchNow();
}

/**
 * Puts a phrase into the field and searches for it.
 *
 * @param {string} text
 */
export function searchFor(text) {
  field.value = text;
  field.focus();
  return searchNow();
}

/** Shows the answer again, as after a change of the page's language. */
export function refreshAnswer() {
  if (answer) show(answer);
}

/** Empties the field and takes all answers away. */
export function clearQuery() {
  field.value = "";
  reset();
}

function reset() {
  clearTimeout(pause);
  halt(() => clearAnswer(true));
}

/**
 * Drops what was asked and shown, where there is nothing that can be asked.
 *
 * @param {() => void} say Shows why.
 */
function halt(say) {
  request.abort();
  asked = "";
  forget();
  clearCompletions();
  clearProblem();
  showDetected(null);
  busy(false);
  say();
  running = Promise.resolve();
  return running;
}

/** @param {boolean} on */
function busy(on) {
  byId("results").setAttribute("aria-busy", String(on));
  byId("progress").hidden = !on;
}

/**
 * @param {string} text
 * @param {object} body
 */
async function ask(text, body) {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  const progress = setTimeout(() => busy(true), PROGRESS_AFTER_MS);
  showCompletions(text, likelyLanguage(), signal, searchFor);
  try {
    const found = await search(body, { signal, onBusy: waitForIt });
    if (signal.aborted) return;
    answer = found;
    clearProblem();
    show(answer);
    answered(answer);
    speech = say(answer);
  } catch (error) {
    if (!signal.aborted) fail(error);
  } finally {
    clearTimeout(progress);
    if (!signal.aborted) busy(false);
  }
}

/** @returns {string} The language that was chosen, else that detected so far, else that of titles. */
const likelyLanguage = () => queryLanguage() || (answer?.detected && answer.language) || titleLanguage();

/** @param {import("./types.js").Answer} found */
function say(found) {
  clearTimeout(speech);
  return setTimeout(() => announce(spoken(found, filtered())), SPOKEN_AFTER_MS);
}

/** @param {import("./types.js").Answer} found */
function show(found) {
  showAnswer(found, filtered());
  markOpen(openCode());
  if (isTyped(found)) showDetected(null); // a code is of no language
  else showDetected(found.detected ? found.language : null, found.language === null);
}

/** @param {number} seconds */
function waitForIt(seconds) {
  forget();
  showBusy(seconds);
}

/** Takes the codes of an earlier phrase away: they are no answer to this one. */
function forget() {
  answer = null;
  clearTimeout(speech);
  clearAnswer(false);
}

/** @param {unknown} error */
function fail(error) {
  asked = ""; // the same phrase may be tried again
  forget();
  if (error instanceof ApiError && error.kind === "unauthorized") requireKey(error);
  else showProblem(error, searchAgain);
}
