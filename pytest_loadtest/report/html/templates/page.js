(() => {
  "use strict";
  document.documentElement.classList.add("has-scripts");

  // -- the index sorts by the column whose heading is pressed: first the worst, then the other way round

  const table = document.querySelector(".page-index table");
  const headings = table ? [...table.tHead.rows[0].cells] : [];
  const valueOf = (row, n) => {
    const { sort } = row.cells[n].dataset;
    return table.tHead.rows[0].cells[n].dataset.kind === "text" ? sort : Number(sort);
  };
  const compare = (one, other) => (typeof one === "string" ? one.localeCompare(other) : one - other);

  const sortBy = (n) => {
    const heading = headings[n];
    const first = heading.dataset.first;
    const other = first === "ascending" ? "descending" : "ascending";
    const direction = heading.getAttribute("aria-sort") === first ? other : first;
    headings.forEach((each) => each.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const rows = [...table.tBodies[0].rows];
    const isUnknown = (row) => row.cells[n].dataset.sort === "";
    rows.sort((one, two) => isUnknown(one) - isUnknown(two) || sign * compare(valueOf(one, n), valueOf(two, n)));
    table.tBodies[0].append(...rows);
  };
  headings.forEach((heading, n) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    button.addEventListener("click", () => sortBy(n));
    heading.replaceChildren(button);
  });

  // -- each picture is drawn anew when it comes into view, as wide as it then is

  const NARROW_PX = 460;
  if (typeof vegaEmbed === "undefined") return;
  const dataOf = new Map();
  const chartsOf = (section) => {
    if (!dataOf.has(section)) {
      const found = section.querySelector("script[type='application/json']");
      dataOf.set(section, JSON.parse(found.textContent));
    }
    return dataOf.get(section);
  };
  const draw = async (figure) => {
    const charts = chartsOf(figure.closest("section"));
    const spec = structuredClone(charts.specs[figure.dataset.chart]);
    spec.datasets = charts.datasets;
    if (figure.clientWidth < NARROW_PX) spec.config.legend.columns = Math.min(3, spec.config.legend.columns - 1);
    const place = document.createElement("div");
    place.className = "live";
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", inWords(figure));
    figure.append(place);
    figure.classList.add("is-live");
    try {
      await vegaEmbed(place, spec, {
        actions: false, ast: true, defaultStyle: false, mode: "vega-lite", renderer: "svg",
        tooltip: { disableDefaultStyle: true, theme: "custom" },
      });
    } catch (error) {
      figure.classList.remove("is-live");
      place.remove();
      throw error;
    }
  };
  // What the still picture says in words is said of the drawn one, too.
  const inWords = (figure) =>
    ["title", "desc"].map((each) => figure.querySelector(`.loadtest-picture > ${each}`).textContent).join(". ");
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        draw(target);
      }
    },
    { rootMargin: "400px" },
  );
  document.querySelectorAll("figure[data-chart]").forEach((figure) => observer.observe(figure));
})();
