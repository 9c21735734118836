/** Time, handed in: the page's is real, a test's stands still until it is told to move. */

export type Cancel = () => void;

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  after(delayMs: number, act: () => void): Cancel;
}
