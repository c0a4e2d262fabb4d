// JSON to fold and unfold.
import { element } from "gallery/data";

/** A value as nested details, filled in when they are opened. */
export function tree(value, name, open = false) {
  if (!nests(value)) return element("div", { class: "leaf" }, label(name), literal(value));
  const entries = Object.entries(value);
  const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  const about = [value.family, value.label && `(${value.label})`, value.kind].filter(Boolean).join(" ");
  const details = element("details", { class: "branch" });
  details.append(element("summary", {}, label(name), element("small", {}, about || size)));
  const fill = () => details.append(...entries.map(([key, child]) => tree(child, key)));
  details.addEventListener("toggle", fill, { once: true });
  details.open = open;
  return details;
}

const flat = (value) => Array.isArray(value) && value.length <= 4 && value.every((item) => typeof item === "number");
const nests = (value) => value !== null && typeof value === "object" && !flat(value) && Object.keys(value).length > 0;
const label = (name) => element("b", {}, name);
const short = (value) => (typeof value === "number" ? `${Number(value.toPrecision(6))}` : JSON.stringify(value));
const literal = (value) => ` ${Array.isArray(value) ? `[${value.map(short).join(", ")}]` : short(value)}`;
