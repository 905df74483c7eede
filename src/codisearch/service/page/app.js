/** The page: loads the language, then wires field, filters, results, panel, dialogs and keys to each other. */

import { ApiError, info } from "./api.js";
import { askForKey, dialogOpen, requireKey, startDialogs } from "./dialogs.js";
import { byId, el } from "./dom.js";
import { startFilters, titleLanguage, translateFilters } from "./filters.js";
import { clearQuery, refreshAnswer, searchAgain, searchFor, searchNow, startFinder } from "./finder.js";
import { preferredLocale, t, useLocale } from "./i18n.js";
import { startKeys } from "./keys.js";
import { close, openCard, refreshPanel, startPanel } from "./panel.js";
import { startResults } from "./results.js";
import { prefer } from "./state.js";

const EXAMPLES = ["start.example1", "start.example2", "start.example3", "start.example4"];
let release = "";
let titles = ""; // the language that titles are in

/** Writes what scripts write, in the language of the page. */
function writeTexts() {
  translateFilters();
  showRelease();
  const example = (/** @type {string} */ key) =>
    el("li", {}, el("button", { type: "button", class: "chip", click: () => searchFor(t(key)) }, t(key)));
  byId("examples").replaceChildren(...EXAMPLES.map(example));
}

/** @param {string} [known] What the service says that it searches. */
function showRelease(known = release) {
  release = known;
  byId("release").textContent = release && t("footer.release", { release });
}

/** Asks for the release, and for a key where the service needs one; else the first answer tells the release. */
async function loadRelease() {
  try {
    showRelease((await info()).release);
  } catch (error) {
    if (error instanceof ApiError && error.kind === "unauthorized") requireKey(error);
  }
}

/** Goes to the field, unless the focus is wanted elsewhere. */
function focusField() {
  const at = document.activeElement ?? document.body;
  const free = at === document.body || at.closest("dialog") !== null; // in a dialog that has just been closed
  if (free && !dialogOpen() && !location.hash) byId("query").focus();
}

/** Searches with other filters, and shows the open code again where its titles are to be in another language. */
function filtersChanged() {
  searchNow();
  if (titles !== titleLanguage()) refreshPanel();
  titles = titleLanguage();
}

/** @param {string} locale */
async function changeLocale(locale) {
  await useLocale(locale);
  writeTexts();
  titles = titleLanguage();
  refreshAnswer();
  searchAgain(); // titles are in the language of the page where that of the phrase is to be detected
  refreshPanel();
}

function startLocale() {
  const chooser = /** @type {HTMLSelectElement} */ (byId("ui-language"));
  chooser.value = document.documentElement.lang;
  chooser.addEventListener("change", () => {
    prefer("ui", chooser.value);
    changeLocale(chooser.value);
  });
}

function startSkipLink() {
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address is for codes
    byId("results").focus();
  });
}

async function start() {
  await useLocale(preferredLocale()).catch(() => useLocale("en"));
  startLocale();
  startSkipLink();
  startFilters(filtersChanged);
  writeTexts();
  titles = titleLanguage();
  startDialogs(() => {
    loadRelease();
    searchAgain();
    refreshPanel();
    focusField();
  });
  startFinder((answer) => showRelease(answer.release));
  startResults();
  startPanel({ language: titleLanguage, askForKey });
  startKeys({ closeCard: close, openCard, clearQuery, searchNow });
  await loadRelease(); // before the field gets the focus: nothing is to be written before a key is asked for
  focusField();
  document.documentElement.dataset.ready = "true";
}

start();
