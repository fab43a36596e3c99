"use strict";
// The theme, charts that are drawn in the page, filters of tables, and copying of queries.
// Everything that is read is in the page already: without this script the text is still whole.
(() => {
  const root = document.documentElement;
  const DAY = 86400000;

  const recall = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const remember = (key, value) => { try { localStorage.setItem(key, value); } catch { /* a private window */ } };

  // before the page is painted, so that it does not flash
  const kept = recall("theme");
  if (kept) root.dataset.theme = kept;
  const isDark = () => root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;

  // ---- charts: a spec once for all pages, the numbers in the page as columns

  // days come as steps from one to the next
  const datasetsOf = (figure) => {
    const sets = JSON.parse(figure.querySelector("script").textContent);
    for (const columns of Object.values(sets)) {
      if (columns.day) { let at = 0; columns.day = columns.day.map((step) => (at += step)); }
    }
    return sets;
  };

  const rowsOf = (columns) => {
    const names = Object.keys(columns);
    const length = names.length ? columns[names[0]].length : 0;
    return Array.from({ length }, (_, i) => {
      const row = {};
      for (const name of names) {
        const value = columns[name][i];
        row[name] = (name === "day" || name.endsWith("_day")) && value !== null ? value * DAY : value;
      }
      return row;
    });
  };

  const themed = (spec) => {
    const values = getComputedStyle(root);
    const text = JSON.stringify(spec);
    // the specs are in the light values; the page says what each is now
    return JSON.parse(text.replace(/"(#[0-9a-f]{6})"/g, (whole, light) => {
      const name = window.tokenmartCharts.colours[light];
      return name ? `"${values.getPropertyValue("--" + name).trim()}"` : whole;
    }));
  };

  const lastDays = (datasets, days) => {
    if (!days) return datasets;
    const ends = Object.values(datasets).flatMap((rows) => rows.map((row) => row.day ?? -Infinity));
    const from = ends.reduce((a, b) => Math.max(a, b), -Infinity) - days * DAY;
    return Object.fromEntries(Object.entries(datasets).map(([name, rows]) =>
      [name, rows.filter((row) => (row.day ?? row.end_day ?? Infinity) >= from)]));
  };

  const draw = async (figure) => {
    const target = figure.querySelector(".chart");
    figure.datasets ??= Object.fromEntries(
      Object.entries(datasetsOf(figure)).map(([name, columns]) => [name, rowsOf(columns)]));
    const chosen = figure.querySelector(".range input:checked");
    const spec = themed(window.tokenmartCharts.specs[figure.dataset.chart]);
    spec.datasets = lastDays(figure.datasets, chosen ? Number(chosen.value) : 0);
    if (figure.result) figure.result.finalize();
    figure.result = await vegaEmbed(target, spec, {
      actions: false, renderer: "svg",
      logLevel: 1, // errors alone: that there is no plan to be drawn is none
      loader: { load: () => Promise.reject(new Error("pages ask for nothing")) },
    });
    // the words beside the chart say what it shows
    const svg = target.querySelector("svg");
    if (svg) { svg.setAttribute("aria-hidden", "true"); svg.setAttribute("focusable", "false"); }
    target.dataset.drawn = "yes";
  };

  const figures = () => [...document.querySelectorAll("figure[data-chart]")];
  const watch = () => {
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
      }
    }, { rootMargin: "400px" });
    for (const figure of figures()) {
      seen.observe(figure);
      figure.querySelector(".range")?.addEventListener("change", () => draw(figure));
    }
  };
  const redraw = () => figures().filter((figure) => figure.result).forEach(draw);

  // ---- tables: which rows are shown

  const filter = (form) => {
    const table = document.getElementById(form.dataset.filters);
    const wanted = [...form.elements].filter((field) => field.name && field.value !== "").map((field) => {
      const at = [...table.tHead.rows[0].cells].findIndex((cell) => cell.dataset.column === field.name);
      const value = field.value.toLowerCase();
      if (field.dataset.test === "min") {
        const least = Number(field.value) * Number(field.dataset.scale);
        return (row) => row.cells[at].dataset.sort !== "" && Number(row.cells[at].dataset.sort) >= least;
      }
      if (field.dataset.test === "max") {
        const most = Number(field.value) * Number(field.dataset.scale);
        return (row) => row.cells[at].dataset.sort !== "" && Number(row.cells[at].dataset.sort) <= most;
      }
      if (field.dataset.test === "one") {
        return (row) => (row.cells[at].dataset.sort ?? row.cells[at].textContent).toLowerCase().split(/[,;]\s*/).includes(value);
      }
      return (row) => row.textContent.toLowerCase().includes(value);
    });
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      row.hidden = !wanted.every((test) => test(row));
      shown += row.hidden ? 0 : 1;
    }
    form.querySelector("output").textContent = `${shown} of ${table.tBodies[0].rows.length}`;
  };

  // ---- queries

  const copy = async (button) => {
    const text = button.parentElement.querySelector("pre").textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch { // from disk some browsers allow it in the old way alone
      const range = document.createRange();
      range.selectNodeContents(button.parentElement.querySelector("pre"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };

  const save = (link) => {
    const figure = link.closest("figure");
    const columns = Object.values(datasetsOf(figure))[0];
    const names = Object.keys(columns);
    const cell = (name, value) => value === null ? "" : name === "day" || name.endsWith("_day")
      ? new Date(value * DAY).toISOString().slice(0, 10)
      : /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : value;
    const lines = [names.join(","), ...columns[names[0]].map((_, i) => names.map((name) => cell(name, columns[name][i])).join(","))];
    link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.addEventListener("click", () => {
        root.dataset.theme = isDark() ? "light" : "dark";
        remember("theme", root.dataset.theme);
        redraw();
      });
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    for (const form of document.querySelectorAll("form[data-filters]")) {
      form.addEventListener("input", () => filter(form));
      form.addEventListener("reset", () => setTimeout(() => filter(form)));
      form.addEventListener("submit", (event) => event.preventDefault());
      filter(form);
    }
    document.addEventListener("click", (event) => {
      const button = event.target.closest(".copy");
      if (button) copy(button);
      const link = event.target.closest("a[data-save]");
      if (link) save(link);
    });
    // the place of the current page in a narrow head
    // (not by scrollIntoView: the keyboard would begin there)
    const here = document.querySelector("nav [aria-current]");
    if (here) here.closest("nav").scrollLeft = here.offsetLeft - innerWidth / 3;
    if (window.vegaEmbed) watch();
  });
})();
