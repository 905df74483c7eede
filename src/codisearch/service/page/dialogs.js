/** The two dialogs: the keys of the page, and the API key of the service. */

import { ApiError, info } from "./api.js";
import { byId, el } from "./dom.js";
import { t } from "./i18n.js";
import { clearProblem, showProblem } from "./problems.js";
import { apiKey, prefer, preference, setApiKey } from "./state.js";

/** Keys, and the text that says what they do. */
const KEYS = /** @type {const} */ ([
  [["/"], "keys.field"], [["Tab"], "keys.completions"], [["←", "→"], "keys.along"],
  [["↑", "↓"], "keys.move"], [["Enter"], "keys.open"], [["Esc"], "keys.escape"], [["c"], "keys.copyCode"], [["t"], "keys.copyBoth"], [["?"], "keys.help"],
]);

const help = /** @type {HTMLDialogElement} */ (byId("help"));
const keyDialog = /** @type {HTMLDialogElement} */ (byId("key-dialog"));
const keyInput = /** @type {HTMLInputElement} */ (byId("key"));

let inUse = false; // whether somebody has begun to work: from then on no dialog takes the focus by itself
let changed = () => {};
for (const sign of ["keydown", "pointerdown", "input"]) {
  document.addEventListener(sign, () => { inUse = true; }, { capture: true, once: true });
}

/**
 * Wires the dialogs.
 *
 * @param {() => void} keyChanged Called when there is another API key.
 */
export function startDialogs(keyChanged) {
  changed = keyChanged;
  const single = /** @type {HTMLInputElement} */ (byId("single-keys"));
  single.checked = preference("keys");
  single.addEventListener("change", () => prefer("keys", single.checked));
  byId("help-button").addEventListener("click", openHelp);
  byId("key-button").addEventListener("click", askForKey);
  for (const button of document.querySelectorAll("dialog [data-close]")) {
    button.addEventListener("click", () => button.closest("dialog")?.close());
  }
  byId("key-forget").addEventListener("click", () => {
    setApiKey("");
    useKey();
  });
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault(); // it goes into a header, not into an address
    tryKey(keyInput.value.trim());
  });
  byId("key-button").hidden = apiKey() === "";
}

/** Opens the list of keys. */
export function openHelp() {
  const row = ([keys, text]) => el("div", {}, el("dt", {}, keys.map((key) => el("kbd", {}, key))), el("dd", {}, t(text)));
  byId("key-list").replaceChildren(...KEYS.map(row));
  if (!help.open) help.showModal();
}

/** Closes the dialog, and lets the page ask again. */
function useKey() {
  keyDialog.close();
  clearProblem();
  changed();
}

/**
 * Keeps a key that the service accepts; one that it refuses is said to be wrong, and not kept.
 *
 * @param {string} value
 */
async function tryKey(value) {
  const earlier = apiKey();
  setApiKey(value);
  try {
    await info();
  } catch (error) {
    if (error instanceof ApiError && error.kind === "unauthorized") {
      setApiKey(earlier);
      showWrong(true);
      keyInput.select();
      return;
    }
  }
  useKey();
}

/** @param {boolean} wrong Whether the key was refused. */
function showWrong(wrong) {
  byId("key-error").textContent = wrong ? t("apiKey.wrong") : "";
  keyInput.setAttribute("aria-invalid", String(wrong));
}

/** Opens the dialog of the API key. */
export function askForKey() {
  byId("key-button").hidden = false;
  byId("key-forget").hidden = apiKey() === "";
  keyInput.value = "";
  showWrong(false);
  if (!keyDialog.open) keyDialog.showModal();
}

/**
 * Says that a key is needed; opens its dialog only where nobody has begun to write, so that no phrase gets into it.
 *
 * @param {ApiError} error What the service answered.
 */
export function requireKey(error) {
  byId("key-button").hidden = false;
  showProblem(error, askForKey);
  if (inUse) return;
  askForKey();
  showWrong(apiKey() !== "");
}

/** @returns {boolean} Whether a dialog is open, so that the keys belong to it. */
export const dialogOpen = () => help.open || keyDialog.open;
