// The numbers behind a figure, as rows: for the CSV and JSON files that a reader takes away.
const cosimNumbers = (() => {
  const KINDS = { f4: Float32Array, f8: Float64Array, i4: Int32Array, i2: Int16Array,
    i1: Int8Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };
  function numbers(column) {
    if (!column || Array.isArray(column)) return column || null;
    const bytes = Uint8Array.from(atob(column.bdata), (sign) => sign.charCodeAt(0));
    const flat = [...new KINDS[column.dtype](bytes.buffer)];
    if (!column.shape || !String(column.shape).includes(",")) return flat;
    const wide = +String(column.shape).split(",")[1];
    return Array.from({ length: flat.length / wide }, (_, i) =>
      flat.slice(i * wide, (i + 1) * wide));
  }
  const evenly = (from, by, count) => Array.from({ length: count }, (_, i) => from + i * by);
  const along = (trace, count) => numbers(trace.x) || (typeof trace.x0 === "number"
    ? evenly(trace.x0, trace.dx, count)
    : evenly(Date.parse(trace.x0 + "Z"), trace.dx, count).map((ms) => new Date(ms).toISOString()));
  function rowsOf(trace) {
    if (trace.type === "heatmap") {
      const grid = numbers(trace.z), x = along(trace, grid[0].length), y = numbers(trace.y) || evenly(trace.y0, trace.dy, grid.length);
      return grid.flatMap((line, i) => line.map((z, j) => [`${trace.name}: ${y[i]}`, x[j], z]));
    }
    const y = numbers(trace.y), x = along(trace, y.length), base = numbers(trace.base);
    if (base) return y.map((place, i) => [trace.name, place, base[i], x[i]]);
    return trace.orientation === "h" ? y.map((name, i) => [trace.name, name, x[i]])
      : y.map((value, i) => [trace.name, x[i], value]);
  }
  // A figure that names its columns has rows of its own beside the places of its marks.
  function table(figure) {
    const columns = figure.layout.meta.columns;
    const drawn = figure.data.filter((trace) => !(trace.meta && (trace.meta.skip || trace.meta.ink && columns)));
    const bars = drawn.some((trace) => trace.base && numbers(trace.base).length);
    const traces = drawn.filter((trace) => Boolean(trace.base) === bars || !columns);
    if (!columns || traces.every((trace) => trace.type === "heatmap")) {
      return { head: ["series", "x", "value"], rows: traces.flatMap(rowsOf) };
    }
    const head = ["series", ...(bars ? ["row", "start", "length"] : ["x", "y"]), ...columns];
    const rows = traces.flatMap((trace) => {
      const own = numbers(trace.customdata) || [];
      return rowsOf(trace).map((row, i) => [...row, ...own[i]]);
    });
    return { head, rows };
  }
  function cell(value) {
    if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
    const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value ?? "");
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }
  function csv(figure) {
    const { head, rows } = table(figure);
    return [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
  }
  function json(figure) {
    const { head, rows } = table(figure), { title, note, measures } = figure.layout.meta;
    return JSON.stringify({ title, note, measures: measures || [], columns: head, rows });
  }
  return { numbers, csv, json };
})();
