// Which frames, and which objects in them, are like what was asked for.
import { heightOf } from "gallery/data";

/** A filter that lets everything through. Empty sets and infinite ranges ask for nothing. */
export const everything = () => ({
  text: "",
  classes: new Set(),
  scenarios: new Set(),
  presets: new Set(),
  splits: new Set(),
  occlusion: [0, Infinity],
  height: [0, Infinity],
});

const COMPARISON = /^([^<>=]+)(<=|>=|<|>)(-?\d*\.?\d+)$/;
const COMPARE = { "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b };

/** The rows of the frames that match: each frame with those of its objects that match. */
export function apply(frames, filter) {
  const terms = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const aboutObjects = filter.classes.size > 0 || narrows(filter.occlusion) || narrows(filter.height);
  const rows = [];
  for (const frame of frames) {
    if (!frameMatches(frame, filter, terms)) continue;
    const objects = frame.objects.filter((object) => objectMatches(object, filter));
    if (objects.length || !aboutObjects) rows.push({ frame, objects: new Set(objects) });
  }
  return rows;
}

const ORDERS = {
  frame: () => 0,
  most: (row) => -row.objects.size,
  fewest: (row) => row.objects.size,
  smallest: (row) => Math.min(Infinity, ...[...row.objects].map(heightOf)),
  hidden: (row) => -Math.max(-1, ...[...row.objects].map((object) => object.occlusion)),
};

/** Rows in an order, frames that are equal in it by number. */
export function sorted(rows, by) {
  const key = ORDERS[by];
  // infinity minus infinity is not a number, hence the comparison by signs
  return [...rows].sort((a, b) => Math.sign(key(a) - key(b) || 0) || a.frame.frame - b.frame.frame);
}

const narrows = ([low, high]) => low > 0 || high < Infinity;
const within = (value, [low, high]) => value >= low && value <= high;
const chosen = (value, set) => !set.size || set.has(value);

const objectMatches = (object, filter) =>
  chosen(object.class, filter.classes) &&
  within(object.occlusion, filter.occlusion) &&
  within(heightOf(object), filter.height);

const frameMatches = (frame, filter, terms) =>
  chosen(frame.scenario, filter.scenarios) &&
  chosen(frame.split, filter.splits) &&
  chosen(`${frame.tags.preset}`, filter.presets) &&
  terms.every((term) => termMatches(frame, term));

function termMatches(frame, term) {
  const [, name, sign, limit] = COMPARISON.exec(term) ?? [];
  const tag = Object.keys(frame.tags).find((key) => key.toLowerCase() === name);
  if (tag) return COMPARE[sign](frame.tags[tag], Number(limit));
  return textOf(frame).includes(term);
}

const texts = new WeakMap();

function textOf(frame) {
  if (!texts.has(frame)) {
    const tags = Object.entries(frame.tags).map(([key, value]) => `${key}=${value}`);
    const assets = frame.objects.flatMap((object) => [object.class, object.family]);
    const parts = [`#${frame.frame}`, frame.scenario, frame.split, ...tags, ...assets];
    texts.set(frame, ` ${parts.join(" ").toLowerCase()} `);
  }
  return texts.get(frame);
}
