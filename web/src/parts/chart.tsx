/**
 * A number over time with its least and most around it.
 *
 * Drawn as SVG of a few hundred points, which the page's own styles colour in every theme; a library for it would be a
 * fifth of all scripts. The moment that is read is chosen by pointing, or as on a slider with the arrows.
 */

import type { TargetedPointerEvent } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Point, Series } from "../api/types.ts";
import { drawn, LINES, markEveryMs, marksOf, nearest, numberText, pathOf, rangeOf, runsOf, timeMarks, type Line } from "../state/plot.ts";
import { axisTime, fullTime } from "../state/since.ts";

const [HEIGHT_PX, TOP_PX, BOTTOM_PX, END_PX] = [300, 8, 24, 24];
/** Of the smallest digit that a mark beside the chart is written with, and what is between them and the chart. */
const [DIGIT_PX, BESIDE_PX] = [7, 8];
/** Below this every second mark has room. */
const NARROW_PX = 520;

export function Chart({ series, label }: { series: Series; label: string }) {
  const [hidden, setHidden] = useState<readonly Line[]>([]);
  const [lookedAtMs, lookAt] = useState<number | null>(null);
  const { points } = series;
  const last = points.length - 1;
  const shown = LINES.filter(({ of }) => !hidden.includes(of)).map(({ of }) => of);
  const index = lookedAtMs === null ? last : nearest(points, lookedAtMs);
  const read = points[index];
  const turn = (line: Line) => setHidden(hidden.includes(line) ? hidden.filter((one) => one !== line) : [...hidden, line]);
  const text = read === undefined ? "nothing known" : [fullTime(read.at), ...LINES.map(({ of, name }) => `${name} ${numberText(read[of])}`)].join(", ");
  const press = (event: KeyboardEvent) => {
    const to = { ArrowLeft: index - 1, ArrowDown: index - 1, ArrowRight: index + 1, ArrowUp: index + 1, Home: 0, End: last }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    lookAt(points[Math.max(0, Math.min(to, last))]?.at ?? null);
  };
  // A finger that is lifted leaves too: what it pointed at stays to be read until another place is touched.
  const left = ({ pointerType }: PointerEvent) => {
    if (pointerType === "mouse") lookAt(null);
  };
  return (
    <div class="chart">
      <div role="slider" tabIndex={0} aria-label={label} aria-valuemin={0} aria-valuemax={Math.max(0, last)} aria-valuenow={Math.max(0, index)} aria-valuetext={text}
        onKeyDown={press} onBlur={() => lookAt(null)} onPointerLeave={left}>
        <Drawing series={series} shown={shown} read={lookedAtMs === null ? undefined : read} lookAt={lookAt} />
      </div>
      <p class="legend">
        <span>{read === undefined ? "" : fullTime(read.at)}</span>
        {LINES.map(({ of, name }) => (
          <button key={of} type="button" class="quiet" data-line={of} aria-pressed={!hidden.includes(of)} onClick={() => turn(of)}>{name} <b>{read === undefined ? "–" : numberText(read[of])}</b></button>
        ))}
      </p>
    </div>
  );
}

interface Drawn {
  series: Series;
  shown: readonly Line[];
  /** What is marked, if anything. */
  read: Point | undefined;
  lookAt(atMs: number): void;
}

function Drawing({ series, shown, read, lookAt }: Drawn) {
  const element = useRef<SVGSVGElement>(null);
  const widthPx = useWidth(element);
  const { from, to, points } = series;
  const range = rangeOf(points, shown);
  const marks = marksOf(range);
  const startPx = BESIDE_PX + DIGIT_PX * Math.max(0, ...marks.map(({ text }) => text.length));
  const insidePx = Math.max(1, widthPx - startPx - END_PX);
  const bottomPx = HEIGHT_PX - BOTTOM_PX;
  const x = (atMs: number) => startPx + ((atMs - from) / (to - from)) * insidePx;
  const y = (value: number) => bottomPx - ((value - range.low) / (range.high - range.low)) * (bottomPx - TOP_PX);
  const stepMs = markEveryMs(to - from) * (widthPx < NARROW_PX ? 2 : 1);
  const runs = runsOf(series);
  const point = ({ clientX, currentTarget }: TargetedPointerEvent<SVGSVGElement>) => {
    lookAt(from + ((clientX - currentTarget.getBoundingClientRect().left - startPx) / insidePx) * (to - from));
  };
  return (
    <svg ref={element} height={HEIGHT_PX} aria-hidden="true" onPointerDown={point} onPointerMove={point}>
      {marks.map(({ at, text }, i) => (
        <g key={i}>
          <line x1={startPx} x2={widthPx - END_PX} y1={y(at)} y2={y(at)} />
          <text x={startPx - BESIDE_PX} y={y(at)} dy="4" text-anchor="end">{text}</text>
        </g>
      ))}
      {timeMarks(from, to, stepMs).map((atMs) => (
        <g key={atMs}>
          <line x1={x(atMs)} x2={x(atMs)} y1={TOP_PX} y2={bottomPx} />
          <text x={x(atMs)} y={HEIGHT_PX - BESIDE_PX} text-anchor="middle">{axisTime(atMs, stepMs / 1_000)}</text>
        </g>
      ))}
      {shown.toReversed().map((line) => <path key={line} data-line={line} d={pathOf(runs, line, x, y)} />)}
      {read && <line class="read" x1={x(read.at)} x2={x(read.at)} y1={TOP_PX} y2={bottomPx} />}
      {read && shown.toReversed().map((line) => <circle key={line} data-line={line} cx={x(read.at)} cy={y(drawn(read[line]))} r="4" />)}
    </svg>
  );
}

function useWidth(element: { readonly current: Element | null }): number {
  const [widthPx, setWidth] = useState(0);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth((entry as ResizeObserverEntry).contentRect.width));
    observer.observe(element.current as Element);
    return () => observer.disconnect();
  }, []);
  return widthPx;
}
