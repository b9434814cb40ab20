// The page: it draws its figures, and follows theme, policy, hour and paper.
const cosimPage = (() => {
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const token = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const CONFIG = {
    responsive: true, displaylogo: false, plotlyServerURL: "", showSendToCloud: false,
    modeBarButtons: [["toImage"], ["zoom2d", "pan2d", "resetScale2d"]],
    toImageButtonOptions: { format: "svg" },
  };
  const panels = all("figure[data-panel]").map((box) => ({
    box, plot: box.querySelector(".plot"), policy: 0,
    hours: +box.dataset.hours, hour: +box.dataset.first,
    get figures() { // read when the figure's turn has come
      const figures = JSON.parse(box.querySelector("script").textContent);
      Object.defineProperty(this, "figures", { value: figures });
      return figures;
    },
  }));
  const pick = (panel) => {
    const last = panel.figures.length / panel.hours - 1;
    return panel.figures[Math.min(panel.policy, last) * panel.hours + panel.hour];
  };

  // --- theme: text, grid and ink follow the page ---------------------------------------------
  function axisTheme(axis, ink, grid) {
    return { ...axis, gridcolor: grid, linecolor: grid, zerolinecolor: ink,
      zerolinewidth: axis.zeroline ? 1 : 0.5, tickcolor: grid, automargin: true,
      title: { ...axis.title, font: { size: 12, color: ink } } };
  }
  function themed(figure) {
    const ink = token("--ink-soft"), grid = token("--line"), text = token("--ink");
    const layout = { ...figure.layout, paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: token("--font"), size: 12.5, color: text },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: ink, activecolor: text },
      hoverlabel: { bgcolor: token("--card"), bordercolor: grid, font: { color: text } } };
    for (const key of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(key)) layout[key] = axisTheme(layout[key], ink, grid);
    }
    const data = figure.data.map((trace) => {
      if (trace.meta && trace.meta.ink) {
        const marker = { ...trace.marker, color: text, line: { ...trace.marker?.line, color: text } };
        return { ...trace, marker, line: { ...trace.line, color: text } };
      }
      if (trace.type === "waterfall" || trace.texttemplate || trace.text) return { ...trace, textfont: { color: text } };
      return trace;
    });
    return { data, layout };
  }
  function draw(panel) {
    const figure = pick(panel), meta = figure.layout.meta, look = themed(figure);
    panel.box.querySelector(".title").textContent = meta.title;
    panel.box.querySelector(".note").textContent = meta.note;
    panel.plot.setAttribute("aria-label", meta.title);
    // plotly.js drops the layout's height when the window changes; the frame's own stays
    panel.plot.style.height = `${figure.layout.height}px`;
    panel.box.querySelector("details").open = false;
    const done = Plotly.react(panel.plot, look.data, look.layout, CONFIG);
    cosimHour.drawn[panel.box.dataset.panel]?.(panel, figure);
    return done;
  }
  const redraw = () => panels.forEach((panel) => { if (panel.drawn) draw(panel); });

  // --- drawing: what comes near the screen, a figure at a time, so that the answer is read at once --
  const waiting = new Set();
  function show(panel) {
    if (panel.drawn || !globalThis.Plotly) return null;
    panel.drawn = true;
    near.unobserve(panel.box);
    const done = draw(panel);
    if (panels.every((each) => each.drawn)) root.dataset.drawnMs = String(Math.round(performance.now()));
    return done;
  }
  function showNext() {
    const [panel] = waiting;
    if (!panel) {
      root.dataset.shownMs ??= String(Math.round(performance.now()));
      root.dataset.ready ??= String(panels.length);
      return;
    }
    waiting.delete(panel);
    show(panel);
    setTimeout(showNext, 0);
  }
  const near = new IntersectionObserver((seen) => {
    const idle = waiting.size === 0;
    for (const { target, isIntersecting } of seen) {
      const panel = panels.find((each) => each.box === target);
      if (isIntersecting) waiting.add(panel); else waiting.delete(panel);
    }
    if (idle) showNext();
  }, { rootMargin: "100% 0px" });
  const showAll = () => Promise.all(panels.map(show));

  // --- policy: one choice for the whole page --------------------------------------------------
  function choose(index) {
    all("input[data-policy]").forEach((input) => { input.checked = +input.value === index; });
    all("[data-of-policy]").forEach((part) => { part.hidden = +part.dataset.ofPolicy !== index; });
    panels.forEach((panel) => {
      const before = panel.policy;
      panel.policy = index;
      if (panel.drawn && before !== index && panel.figures.length > panel.hours) draw(panel);
    });
  }
  all("input[data-policy]").forEach((input) =>
    input.addEventListener("change", () => choose(+input.value)));

  // --- hour: one choice for the figures of an hour ----------------------------------------------
  const hour = document.getElementById("hour");
  if (hour) {
    hour.addEventListener("change", () => panels.filter((panel) => panel.hours > 1).forEach((panel) => {
      panel.hour = +hour.value;
      if (panel.drawn) draw(panel);
    }));
  }

  // --- the numbers of a figure, to take away ----------------------------------------------------
  const FILES = [["csv", "text/csv"], ["json", "application/json"]];
  panels.forEach((panel) => panel.box.querySelector("details").addEventListener("toggle", (event) => {
    for (const [kind, type] of FILES) {
      const link = panel.box.querySelector(`a[download$=".${kind}"]`);
      if (link.dataset.blob) URL.revokeObjectURL(link.href);
      link.removeAttribute("href");
      if (!event.target.open) continue;
      link.href = URL.createObjectURL(new Blob([cosimNumbers[kind](pick(panel))], { type }));
      link.dataset.blob = "yes";
    }
  }));

  // --- light and dark, paper ------------------------------------------------------------------
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  function label() { button.textContent = isDark() ? "Light view" : "Dark view"; }
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("cosim-theme", root.dataset.theme); } catch { /* keep going */ }
    label(); redraw();
  });
  system.addEventListener("change", () => { label(); redraw(); });
  let before = null;
  addEventListener("beforeprint", () => {
    before = root.dataset.theme || "";
    root.dataset.theme = "light";
    redraw();
    showAll();
    panels.forEach((panel) => { if (panel.drawn) Plotly.relayout(panel.plot, { width: 680 }); });
  });
  addEventListener("afterprint", () => {
    if (before) root.dataset.theme = before; else delete root.dataset.theme;
    redraw();
  });

  // A link to a closed part opens it; that is how a number finds its definition.
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let part = target; part; part = part.parentElement) {
      if (part.tagName === "DETAILS") part.open = true;
    }
    if (target) target.scrollIntoView();
  }
  addEventListener("hashchange", reveal);
  label(); choose(0);
  if (location.hash) reveal();
  cosimPlotly.then(() => {
    panels.forEach((panel) => near.observe(panel.box));
    if (!panels.length) showNext();
  });
  return { showAll };
})();
