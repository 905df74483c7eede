/** Asks the service. Every failure becomes an `ApiError` of a few kinds that the page can explain. */

import { apiKey } from "./state.js";

/** @typedef {import("./types.js")} Types */
/**
 * @typedef {"offline"|"timeout"|"unauthorized"|"tooLarge"|"invalid"|"notFound"|"busy"|"server"} Kind
 * @typedef {object} Request
 * @property {object} [body] Sent as JSON with POST; without one it is GET.
 * @property {AbortSignal} [signal]
 * @property {(seconds: number) => void} [onBusy] Told before the one retry of a busy service.
 */

const ROOT = new URL("../v1/", import.meta.url); // also right where a proxy serves the page below a path
const IN_A_HEADER = /^[!-~]*$/;
const TIME_LIMIT_MS = 12_000;
const BUSY_WAIT_S = { usual: 2, most: 20 };
/** @type {Record<number, Kind>} */
const KINDS = {
  400: "invalid", 401: "unauthorized", 403: "unauthorized", 404: "notFound", 408: "timeout", 413: "tooLarge",
  422: "invalid", 429: "busy", 503: "busy", 504: "timeout",
};

/** What went wrong, with what the service said about it. */
export class ApiError extends Error {
  /**
   * @param {Kind} kind
   * @param {{detail?: string, suggestions?: import("./types.js").CodeName[], wait?: number}} [more]
   */
  constructor(kind, { detail = "", suggestions = [], wait = BUSY_WAIT_S.usual } = {}) {
    super(detail || kind);
    this.kind = kind;
    this.detail = detail;
    this.suggestions = suggestions;
    this.wait = wait;
  }
}

/**
 * @param {object} body
 * @param {Request} [request]
 * @returns {Promise<import("./types.js").Answer>}
 */
export const search = (body, request = {}) => ask("search", { ...request, body });

/**
 * @param {object} body
 * @param {Request} [request]
 * @returns {Promise<{suggestions: import("./types.js").Suggestion[]}>}
 */
export const suggest = (body, request = {}) => send("suggest", { ...request, body });

/**
 * @param {string} code
 * @param {string} language
 * @param {Request} [request]
 * @returns {Promise<import("./types.js").CodeCard>}
 */
export const card = (code, language, request = {}) =>
  ask(`codes/${encodeURIComponent(code)}?language=${encodeURIComponent(language)}`, request);

/** @returns {Promise<{release: string}>} */
export const info = () => ask("info", {});

/**
 * Sends a request, and once more where the service is busy.
 *
 * @param {string} path
 * @param {Request} request
 */
async function ask(path, request) {
  try {
    return await send(path, request);
  } catch (error) {
    if (!(error instanceof ApiError) || error.kind !== "busy") throw error;
    request.onBusy?.(error.wait);
    await pause(error.wait, request.signal);
    return send(path, request);
  }
}

/**
 * @param {string} path
 * @param {Request} request
 */
async function send(path, { body, signal }) {
  if (!IN_A_HEADER.test(apiKey())) throw new ApiError("unauthorized");
  const controller = new AbortController();
  const stop = () => controller.abort();
  const timer = setTimeout(stop, TIME_LIMIT_MS);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const response = await fetch(new URL(path, ROOT), { ...options(body), signal: controller.signal });
    if (!response.ok) throw await failure(response);
    return await response.json();
  } catch (error) {
    if (error instanceof ApiError || signal?.aborted) throw error;
    if (controller.signal.aborted) throw new ApiError("timeout");
    throw new ApiError(error instanceof TypeError ? "offline" : "server");
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/**
 * @param {object} [body]
 * @returns {RequestInit}
 */
function options(body) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json, application/problem+json" };
  if (apiKey()) headers["X-API-Key"] = apiKey();
  if (body) headers["Content-Type"] = "application/json";
  return { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), cache: "no-store" };
}

/**
 * @param {Response} response
 * @returns {Promise<ApiError>}
 */
async function failure(response) {
  const problem = await response.json().catch(() => ({})); // a proxy may answer with HTML
  const said = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new ApiError(KINDS[response.status] ?? "server", {
    detail: typeof problem?.detail === "string" ? problem.detail : "",
    suggestions: Array.isArray(problem?.suggestions) ? problem.suggestions : [],
    wait: Math.min(said > 0 ? said : BUSY_WAIT_S.usual, BUSY_WAIT_S.most),
  });
}

/**
 * @param {number} seconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("stale", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
