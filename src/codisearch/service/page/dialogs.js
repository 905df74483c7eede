/** The two dialogs: the keys of the page, and the API key of the service. */

import { byId, el } from "./dom.js";
import { t } from "./i18n.js";
import { apiKey, prefer, preference, setApiKey } from "./state.js";

/** Keys, and the text that says what they do. */
const KEYS = /** @type {const} */ ([
  [["/"], "keys.field"], [["↑", "↓"], "keys.move"], [["Enter"], "keys.open"], [["Esc"], "keys.escape"],
  [["c"], "keys.copyCode"], [["t"], "keys.copyBoth"], [["?"], "keys.help"],
]);

const help = /** @type {HTMLDialogElement} */ (byId("help"));
const keyDialog = /** @type {HTMLDialogElement} */ (byId("key-dialog"));
const keyInput = /** @type {HTMLInputElement} */ (byId("key"));

/**
 * Wires the dialogs.
 *
 * @param {() => void} keyChanged Called when there is another API key.
 */
export function startDialogs(keyChanged) {
  const single = /** @type {HTMLInputElement} */ (byId("single-keys"));
  single.checked = preference("keys");
  single.addEventListener("change", () => prefer("keys", single.checked));
  byId("help-button").addEventListener("click", openHelp);
  byId("key-button").addEventListener("click", askForKey);
  for (const button of document.querySelectorAll("dialog [data-close]")) {
    button.addEventListener("click", () => button.closest("dialog")?.close());
  }
  const use = (/** @type {string} */ value) => {
    setApiKey(value);
    keyDialog.close();
    keyChanged();
  };
  byId("key-forget").addEventListener("click", () => use(""));
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault(); // it goes into a header, not into an address
    use(keyInput.value.trim());
  });
  byId("key-button").hidden = apiKey() === "";
}

/** Opens the list of keys. */
export function openHelp() {
  const row = ([keys, text]) => el("div", {}, el("dt", {}, keys.map((key) => el("kbd", {}, key))), el("dd", {}, t(text)));
  byId("key-list").replaceChildren(...KEYS.map(row));
  if (!help.open) help.showModal();
}

/** Asks for the API key. */
export function askForKey() {
  byId("key-button").hidden = false;
  byId("key-forget").hidden = apiKey() === "";
  keyInput.value = "";
  if (!keyDialog.open) keyDialog.showModal();
}

/** @returns {boolean} Whether a dialog is open, so that the keys belong to it. */
export const dialogOpen = () => help.open || keyDialog.open;
