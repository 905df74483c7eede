/**
 * What the page remembers: preferences in this browser, the API key in this tab.
 * Queries are never stored, they can be patient data.
 */

/**
 * @typedef {object} Preferences
 * @property {string} ui Language of the page; empty: as the browser.
 * @property {string} language Language of the phrases; empty: detect.
 * @property {boolean} billable
 * @property {boolean} grouped
 * @property {string} top
 * @property {string} precision Share of first codes that should be right where they are sure.
 * @property {boolean} keys Whether single letters are shortcuts.
 */

const PREFERENCES = "codisearch.preferences";
const KEY = "codisearch.key";
/** @type {Preferences} */
const DEFAULTS = { ui: "", language: "", billable: false, grouped: false, top: "10", precision: "0.8", keys: true };

/** @type {Preferences} */
const preferences = { ...DEFAULTS, ...stored() };

/** @returns {Partial<Preferences>} What was stored, as far as its types are right. */
function stored() {
  try {
    const found = JSON.parse(localStorage.getItem(PREFERENCES) ?? "{}");
    const known = Object.entries(found ?? {}).filter(([name, value]) => typeof value === typeof DEFAULTS[name]);
    return Object.fromEntries(known);
  } catch {
    return {}; // no storage in this browser, or not our JSON
  }
}

/**
 * @template {keyof Preferences} Name
 * @param {Name} name
 * @returns {Preferences[Name]}
 */
export function preference(name) {
  return preferences[name];
}

/**
 * @template {keyof Preferences} Name
 * @param {Name} name
 * @param {Preferences[Name]} value
 */
export function prefer(name, value) {
  preferences[name] = value;
  try {
    localStorage.setItem(PREFERENCES, JSON.stringify(preferences));
  } catch {
    // without storage it holds until the page is closed
  }
}

let key = "";

/** @returns {string} The API key, empty if there is none. */
export function apiKey() {
  try {
    return sessionStorage.getItem(KEY) ?? key;
  } catch {
    return key;
  }
}

/** @param {string} value Empty to forget it. */
export function setApiKey(value) {
  key = value;
  try {
    if (value) sessionStorage.setItem(KEY, value);
    else sessionStorage.removeItem(KEY);
  } catch {
    // without storage it holds until the page is closed
  }
}
