/** How much of what is seen changed just now. Where nearly all did, coloured grounds say nothing and hide the values. */

const RESTLESS_FROM = 0.3;
/** Below this it is calm again; between the two it stays as it was, so that the look does not go to and fro. */
const CALM_BELOW = 0.2;

export class Marks {
  private isRestless = false;
  private marked = 0;
  private painted = 0;

  /** All that is seen is about to be painted. */
  begin(): void {
    this.marked = this.painted = 0;
  }

  count(isMarked: boolean): void {
    this.painted += 1;
    if (isMarked) this.marked += 1;
  }

  /** It is painted: whether too much of it is marked. */
  end(): boolean {
    this.isRestless = this.marked > this.painted * (this.isRestless ? CALM_BELOW : RESTLESS_FROM);
    return this.isRestless;
  }
}
