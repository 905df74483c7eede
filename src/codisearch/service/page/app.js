/** The page: loads the language, then wires field, filters, results, panel, dialogs and keys to each other. */

import { info } from "./api.js";
import { askForKey, startDialogs } from "./dialogs.js";
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

/** Asks for the release; where that fails, the first answer tells it. */
async function loadRelease() {
  const { release: known } = await info().catch(() => ({ release }));
  showRelease(known);
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
  });
  startFinder((answer) => showRelease(answer.release));
  startResults();
  startPanel({ language: titleLanguage, unauthorized: askForKey });
  startKeys({ closeCard: close, openCard, clearQuery, searchNow });
  if (!openCard() && !location.hash) byId("query").focus();
  await loadRelease();
  document.documentElement.dataset.ready = "true";
}

start();
