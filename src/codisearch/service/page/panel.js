/** Opens and closes the panel of a code; the address names the code behind its #, so that Back and links work. */

import { ApiError, card } from "./api.js";
import { showCard, showLoading, showMissing } from "./card.js";
import { codeInAddress } from "./codes.js";
import { announce } from "./copy.js";
import { byId } from "./dom.js";
import { t } from "./i18n.js";
import { explain } from "./problems.js";
import { focusResult, markOpen } from "./results.js";

const LOADING_SHOWN_MS = 150;
const panel = byId("card");

/** @type {?string} */
let code = null;
/** @type {?import("./types.js").CodeCard} */
let shown = null;
let request = new AbortController();

/**
 * @typedef {object} Needs
 * @property {() => string} language The language that titles should be in.
 * @property {() => void} askForKey
 */
/** @type {Needs} */
let needs = { language: () => "", askForKey: () => {} };

/**
 * Follows the address.
 *
 * @param {Needs} given
 */
export function startPanel(given) {
  needs = given;
  for (const change of ["hashchange", "popstate"]) window.addEventListener(change, follow);
  document.addEventListener("click", (event) => {
    const link = /** @type {Element} */ (event.target).closest("a");
    if (code && link?.hash === location.hash) byId("card-title")?.focus(); // it is open already
  });
  follow();
}

/** Shows the code that the address names; without one the panel is closed. */
function follow() {
  const wanted = codeInAddress();
  if (wanted === code) return;
  code = wanted;
  if (code) open(code, true);
  else hide();
}

/** Asks for the open code again, as after a change of language or API key. */
export function refreshPanel() {
  if (code) open(code, panel.contains(document.activeElement));
}

/**
 * @param {string} wanted
 * @param {boolean} moveFocus
 */
async function open(wanted, moveFocus) {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  const wait = setTimeout(() => showLoading(wanted, close), LOADING_SHOWN_MS);
  try {
    const found = await card(wanted, needs.language(), { signal });
    shown = found;
    clearTimeout(wait);
    showCard(found, close);
    announce(t("card.opened", { code: found.code, title: found.title }));
  } catch (error) {
    clearTimeout(wait);
    if (signal.aborted) return;
    shown = null;
    missing(wanted, error);
  }
  document.body.classList.add("card-open");
  markOpen(wanted);
  if (moveFocus) byId("card-title").focus();
}

/**
 * @param {string} wanted
 * @param {unknown} error
 */
function missing(wanted, error) {
  const known = error instanceof ApiError ? error : new ApiError("server");
  const message = known.kind === "notFound" ? t("card.missing", { code: wanted }) : explain(known);
  const askForKey = known.kind === "unauthorized" ? needs.askForKey : null;
  showMissing(wanted, message, known.suggestions, close, askForKey);
}

/** @returns {boolean} Whether it was open. */
export function close() {
  if (!code) return false;
  history.pushState(null, "", location.pathname + location.search);
  follow();
  return true;
}

function hide() {
  request.abort();
  const closed = shown?.code ?? null;
  const hadFocus = panel.contains(document.activeElement) || document.activeElement === document.body;
  shown = null;
  panel.hidden = true;
  panel.replaceChildren();
  document.body.classList.remove("card-open");
  markOpen(null);
  if (hadFocus && !focusResult(closed)) byId("query").focus();
}

/** @returns {?{code: string, title: string}} What the panel shows. */
export const openCard = () => shown;

/** @returns {?string} The code that the panel is open for. */
export const openCode = () => code;
