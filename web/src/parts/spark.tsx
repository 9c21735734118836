/** A few numbers as bars the height of a line of text; the sum beside them says the same. */

const HEIGHT = 16;
const STEP = 3;

export function Spark({ counts, over }: { counts: readonly number[]; over: string }) {
  const most = Math.max(1, ...counts);
  const sum = counts.reduce((a, b) => a + b, 0);
  const bars = counts.map((count, i) => (count === 0 ? "" : `M${i * STEP + 1} ${HEIGHT}v${-Math.max(2, (HEIGHT * count) / most)}`)).join("");
  return (
    <span class="spark" title={`${sum} ${over}`}>
      <svg viewBox={`0 0 ${counts.length * STEP} ${HEIGHT}`} aria-hidden="true"><path d={`M0 ${HEIGHT}h${counts.length * STEP}`} /><path d={bars} class="bars" /></svg>
      <span>{sum}<span class="unseen"> {over}</span></span>
    </span>
  );
}
