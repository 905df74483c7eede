/** Says what went wrong in the language of the page, and what to do. */

import { ApiError } from "./api.js";
import { byId, el } from "./dom.js";
import { plural, t } from "./i18n.js";
import { apiKey } from "./state.js";

const box = byId("problem");

/**
 * Returns what a failure means, in a sentence or two.
 *
 * @param {unknown} error
 */
export function explain(error) {
  const kind = kindOf(error);
  return kind === "unauthorized" && apiKey() ? t("apiKey.wrong") : t(`problem.${kind}`);
}

/** @param {unknown} error */
function kindOf(error) {
  return error instanceof ApiError ? error.kind : "server";
}

/**
 * Shows a failure, with the service's own words where the request was at fault, and a way out of it.
 *
 * @param {unknown} error
 * @param {() => void} again Tries again; where a key is needed it asks for that.
 */
export function showProblem(error, again) {
  const kind = kindOf(error);
  const detail = kind === "invalid" && error instanceof ApiError ? error.detail : "";
  box.className = "notice bad";
  box.replaceChildren(
    el("p", {}, explain(error)),
    ...(detail ? [el("p", { class: "detail", lang: "en" }, detail)] : []),
    el("button", { type: "button", class: "small", click: again }, t(kind === "unauthorized" ? "apiKey.enter" : "problem.again")),
  );
  box.hidden = false;
}

/**
 * Shows that the service is busy and will be asked again.
 *
 * @param {number} seconds
 */
export function showBusy(seconds) {
  box.className = "notice warn";
  box.replaceChildren(el("p", {}, plural("problem.waiting", seconds)));
  box.hidden = false;
}

/** Takes the message away. */
export function clearProblem() {
  box.hidden = true;
  box.replaceChildren();
}
