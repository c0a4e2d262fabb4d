// The frames of this page, as Python wrote them.
export const { classes, frames } = JSON.parse(document.getElementById("data").textContent);

export const colours = new Map(classes.map(({ name, colour }) => [name, colour]));
export const byNumber = new Map(frames.map((frame) => [frame.frame, frame]));

export const heightOf = ({ box: [, top, , bottom] }) => bottom - top;
export const widthOf = ({ box: [left, , right] }) => right - left;
export const tallest = Math.ceil(Math.max(0, ...frames.flatMap((frame) => frame.objects.map(heightOf))));

/** The JSON text of a frame's plan; null when there is none. */
export async function planText(frame) {
  if (!frame.plan) return null;
  const packed = Uint8Array.from(atob(frame.plan), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

/** An element with attributes and children; text is never read as HTML. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export const words = (name) => name.replaceAll("_", " ");
export const percent = (share) => `${Math.round(share * 100)} %`;
export const several = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
