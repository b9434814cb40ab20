// One hour: rows that belong to marks, and denoising steps where a reader looks closely.
const cosimHour = (() => {
  const { numbers } = cosimNumbers;
  const BARS_UP_TO_MIN = 30.5, STEPS_UP_TO_MIN = 10.5, STEPS_MAX = 20000;

  // --- decisions: a row of the table for each mark ---------------------------------------------
  const WORDS = new Set([1, 2, 8]); // columns that hold no numbers
  const shown = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : "–");
  function jobsOf(figure) {
    const sites = figure.layout.meta.sites;
    return figure.data.flatMap((trace, t) => {
      const [x, y, own, marks] = [trace.x, trace.y, trace.customdata, trace.marker.symbol].map(numbers);
      return own ? own.map((row, p) => ({ at: [t, p], order: row[0], cells: [
        String(row[0]), sites[row[1]], trace.name, shown(x[p], 0), String(Math.round(y[p])),
        String(row[2]), shown(row[3], 1), shown(row[4], 1), marks[p] >= 100 ? "no" : "yes"] })) : [];
    }).sort((a, b) => a.order - b.order);
  }
  function mark(plot, at) {
    const points = plot.data.map((_, t) => (at ? (at[0] === t ? [at[1]] : []) : null));
    Plotly.restyle(plot, { selectedpoints: points });
  }
  function link(panel, figure) {
    const body = panel.box.querySelector("tbody"), rows = new Map();
    body.replaceChildren(...jobsOf(figure).map((job, i) => {
      const row = document.createElement("tr");
      row.tabIndex = i ? -1 : 0;
      row.append(...job.cells.map((text, c) => {
        const cell = document.createElement("td");
        cell.textContent = text;
        if (!WORDS.has(c)) cell.className = "num";
        return cell;
      }));
      row.at = job.at;
      rows.set(job.at.join(), row);
      return row;
    }));
    const choose = (row, moveFocus) => {
      for (const other of body.rows) {
        const mine = other === row;
        other.tabIndex = mine ? 0 : -1;
        other.setAttribute("aria-selected", String(mine));
      }
      if (moveFocus) row.focus({ preventScroll: true });
      const frame = row.closest(".scroll"), top = row.offsetTop - frame.clientHeight / 2;
      frame.scrollTop = top;
      mark(panel.plot, row.at);
    };
    body.onclick = (event) => { const row = event.target.closest("tr"); if (row) choose(row, true); };
    body.onkeydown = (event) => {
      const row = event.target.closest("tr");
      const next = { ArrowDown: row.nextSibling, ArrowUp: row.previousSibling, Enter: row,
        Home: body.firstChild, End: body.lastChild }[event.key];
      if (next) { event.preventDefault(); choose(next, true); }
      if (event.key === "Escape") mark(panel.plot, null);
    };
    panel.plot.removeAllListeners("plotly_click");
    panel.plot.on("plotly_click", ({ points: [point] }) => {
      const row = rows.get(`${point.curveNumber},${point.pointNumber}`);
      if (row) choose(row, false);
    });
  }

  // --- occupancy: denoising steps of the bars in sight -----------------------------------------
  function steps(plot, from, to) {
    const xs = [], ys = [];
    for (const trace of plot.data) {
      if (trace.type !== "bar" || to - from > STEPS_UP_TO_MIN) continue;
      const [base, x, y, width, own] =
        [trace.base, trace.x, trace.y, trace.width, trace.customdata].map(numbers);
      base.forEach((start, i) => {
        const apart_px = (x[i] / (own[i][1] * own[i][2]) / (to - from)) * plot.clientWidth;
        const count = apart_px < 3 ? own[i][1] : own[i][1] * own[i][2], low = y[i] - width[i] / 2, high = y[i] + width[i] / 2;
        if (start > to || start + x[i] < from) return;
        for (let k = 1; k < count && xs.length < 3 * STEPS_MAX; k += 1) {
          const at = start + (x[i] * k) / count, image = apart_px < 3 || k % own[i][2] === 0;
          if (at >= from && at <= to) {
            xs.push(at, at, null);
            ys.push(image ? low : low + 0.25 * (high - low), high, null);
          }
        }
      });
    }
    return [xs, ys];
  }
  function look(plot) {
    const last = plot.data.length - 1, [from, to] = plot.layout.xaxis.range.map(Number);
    const close = to - from <= BARS_UP_TO_MIN && from < plot.layout.meta.until;
    const [xs, ys] = close ? steps(plot, from, to) : [[], []];
    if (close !== Boolean(plot.data[1].visible) || xs.length || (plot.data[last].x || []).length) {
      const all = plot.data.map((_, t) => t);
      Plotly.restyle(plot, { visible: all.map((t) => (t === last || (t === 0) !== close)),
        x: all.map((t) => (t === last ? xs : plot.data[t].x)),
        y: all.map((t) => (t === last ? ys : plot.data[t].y)) }, all);
    }
  }
  function zoom(panel, figure) {
    const [length, start] = panel.box.querySelectorAll("[data-look]");
    const whole = figure.layout.xaxis.range;
    const go = () => {
      const all = length.value === "all";
      const from = all ? 0 : Math.min(Math.max(0, +start.value), whole[1]);
      const to = all ? whole[1] : Math.min(from + +length.value, whole[1]);
      start.disabled = all;
      Plotly.relayout(panel.plot, { "xaxis.range": [from, to], "xaxis.autorange": false });
    };
    start.onchange = go;
    length.onchange = go;
    panel.plot.removeAllListeners("plotly_relayout");
    panel.plot.on("plotly_relayout", (change) => {
      if (Object.keys(change).some((key) => key.startsWith("xaxis"))) look(panel.plot);
    });
    if (length.value !== "all") go();
  }

  const drawn = { decisions: link, occupancy: zoom };
  return { drawn };
})();
