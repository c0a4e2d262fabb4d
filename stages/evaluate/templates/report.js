// Pictures with boxes that follow the switches and the threshold.
"use strict";
{
  const data = JSON.parse(document.getElementById("data").textContent);
  const percent = (part, whole) => `${(100 * part) / whole}%`;
  const words = (name) => name.replaceAll("_", " ");

  /** An element with attributes and children; text is never read as HTML. */
  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  const MOST_NAMES = 10; // more would hide what the picture shows

  const box = (view, item, kind, text) => {
    const [left, top, right, bottom] = item.box;
    const made = element("div", { class: `box ${kind}${item.focus ? " focus" : ""}` });
    made.style.left = percent(left, view.width);
    made.style.top = percent(top, view.height);
    made.style.width = percent(right - left, view.width);
    made.style.height = percent(bottom - top, view.height);
    const name = element("span", {}, text);
    if (top < 0.08 * view.height) name.classList.add("inside");
    if (left > 0.6 * view.width) name.classList.add("leftwards");
    made.append(name);
    return made;
  };

  /** The boxes of a view at a threshold; the weakest detections lie below. */
  const boxes = (view, threshold) => {
    const shown = view.detections.filter((found) => found.score > threshold);
    const hits = new Set(shown.map((found) => found.hits));
    return [
      ...view.objects.map((object) => {
        const kind = object.ignore ? "ignore" : hits.has(object.index) ? "truth" : "truth missed";
        return box(view, object, kind, object.ignore ? "" : `${words(object.class)}${kind === "truth" ? "" : " missed"}`);
      }),
      ...shown.reverse().map((found) => {
        const kind = found.hits >= 0 ? "hit" : found.ignored ? "ignored" : "wrong";
        return box(view, found, `found ${kind}`, `${words(found.class)} ${found.score.toFixed(2)}`);
      }),
    ];
  };

  const stage = (view) => {
    const made = element("div", { class: "stage" });
    made.style.setProperty("--ratio", view.width / view.height);
    return made;
  };

  /** Put the boxes of a threshold over a picture in place of those that are there. */
  const mark = (place, view, threshold) => {
    for (const old of place.querySelectorAll(".box")) old.remove();
    const made = boxes(view, threshold);
    place.append(...made);
    const named = made.filter((item) => item.matches(".found, .missed"));
    place.classList.toggle("dense", named.length > MOST_NAMES);
  };

  const fill = (place, view, threshold) => {
    place.replaceChildren(element("img", { src: view.picture, alt: view.caption, decoding: "async" }));
    mark(place, view, threshold);
  };

  // Pictures are made when they come near the window.
  const waiting = new Map();
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        watcher.unobserve(target);
        waiting.get(target)();
        waiting.delete(target);
      }
    },
    { rootMargin: "400px" },
  );

  const viewer = document.getElementById("viewer");
  let opened = null;

  for (const gallery of document.querySelectorAll(".gallery")) {
    const { views, curve, threshold: operating } = data[gallery.dataset.set];
    const slider = gallery.querySelector("input[type=range]");
    const places = new Map();
    let threshold = operating;

    const show = (index) => {
      opened = { show, index, count: views.length };
      const view = views[index];
      viewer.querySelector("h2").textContent = view.caption;
      const place = stage(view);
      fill(place, view, threshold);
      viewer.querySelector(".large").replaceChildren(place);
      viewer.className = gallery.className.replace("gallery", "");
      if (!viewer.open) viewer.showModal();
    };

    views.forEach((view, index) => {
      const place = stage(view);
      const button = element("button", { type: "button", class: "open", "aria-label": `Enlarge ${view.caption}` }, place);
      button.addEventListener("click", () => show(index));
      const figure = element("figure", { class: "view" }, button, element("figcaption", {}, view.caption));
      gallery.querySelector(`[data-kind=${view.kind}]`).append(figure);
      places.set(place, view);
      waiting.set(place, () => fill(place, view, threshold));
      watcher.observe(place);
    });
    for (const group of gallery.querySelectorAll(".views")) {
      if (!group.children.length) group.append(element("p", { class: "soft" }, "None."));
    }

    const refresh = () => {
      for (const [place, view] of places) {
        if (!waiting.has(place)) mark(place, view, threshold);
      }
      gallery.querySelector(".slide output").textContent = threshold.toFixed(3);
      const away = ([step]) => Math.abs(step - threshold);
      const row = curve.reduce((best, other) => (away(other) < away(best) ? other : best));
      gallery.querySelector(".outcome").textContent = row.length > 1
        ? `Whole set: precision ${row[1].toFixed(2)}, recall ${row[2].toFixed(2)}, F1 ${row[3].toFixed(2)}`
        : "Whole set: nothing is found";
    };
    slider.addEventListener("input", () => {
      threshold = Number(slider.value);
      refresh();
    });
    gallery.querySelector(".back").addEventListener("click", () => {
      threshold = operating;
      slider.value = operating;
      refresh();
    });
    for (const button of gallery.querySelectorAll("[data-layer]")) {
      button.addEventListener("click", () => {
        const off = gallery.classList.toggle(`no-${button.dataset.layer}`);
        button.setAttribute("aria-pressed", !off);
      });
    }
    refresh();
  }

  const step = (by) => opened.show((opened.index + by + opened.count) % opened.count);
  for (const button of viewer.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => step(Number(button.dataset.step)));
  }
  viewer.querySelector("[data-close]").addEventListener("click", () => viewer.close());
  viewer.addEventListener("click", (event) => event.target === viewer && viewer.close());
  viewer.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
}
