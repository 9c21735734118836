/** A line over time with its least and most around it. The library comes with the first chart, not with the page. */

import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import type { Columns } from "../state/series.ts";
import { axisTime, fullTime } from "../state/since.ts";
import { theme } from "./theme.tsx";

const HEIGHT_PX = 300;

interface Props {
  columns: Columns;
  /** Seconds since the epoch. */
  from: number;
  to: number;
  label: string;
  failed(why: string): void;
}

export function Chart({ columns, from, to, label, failed }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({ columns, from, to });
  latest.current = { columns, from, to };
  useEffect(() => {
    const element = host.current as HTMLDivElement;
    const watch = { isWanted: true, observer: new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT_PX })) };
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => plot.current?.redraw();
    const load = async () => {
      const [{ default: Plot }] = await Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]);
      if (!watch.isWanted) return;
      plot.current = new Plot(options(element), data(latest.current.columns), element);
      plot.current.setScale("x", { min: latest.current.from, max: latest.current.to });
      watch.observer.observe(element);
    };
    load().catch((error: unknown) => failed(String(error)));
    scheme.addEventListener("change", redraw);
    return () => {
      watch.isWanted = false;
      watch.observer.disconnect();
      scheme.removeEventListener("change", redraw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => {
    plot.current?.setData(data(columns), false);
    plot.current?.setScale("x", { min: from, max: to });
  }, [columns, from, to]);
  useEffect(() => plot.current?.redraw(), [theme.value]);
  return <div class="chart" ref={host} role="img" aria-label={label} />;
}

function data({ times, mean, min, max }: Columns): uPlot.AlignedData {
  return [times, mean, min, max];
}

function options(element: HTMLElement): uPlot.Options {
  // Read at each drawing: the theme may have changed since.
  const read = (name: "color" | "columnRuleColor" | "outlineColor" | "textDecorationColor") => () => getComputedStyle(element)[name];
  const axis = { stroke: read("columnRuleColor"), grid: { stroke: read("outlineColor"), width: 1 }, ticks: { stroke: read("outlineColor"), width: 1 } };
  const bound = { stroke: read("textDecorationColor"), width: 1, points: { show: false } };
  return {
    width: element.clientWidth,
    height: HEIGHT_PX,
    cursor: { drag: { x: false, y: false } },
    legend: { live: true },
    axes: [{ ...axis, values: (_, splits, __, ___, stepS) => splits.map((atS) => axisTime(atS * 1_000, stepS)) }, { ...axis, size: 64 }],
    series: [
      { label: "Time", value: (_, atS) => (atS === null ? "–" : fullTime(atS * 1_000)) },
      { label: "Mean", stroke: read("color"), width: 2, points: { show: false } },
      { label: "Least", ...bound },
      { label: "Most", ...bound },
    ],
  };
}
