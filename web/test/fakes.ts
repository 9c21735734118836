/** Time that moves when told to, and a network of one socket. */

import type { Cancel, Clock } from "../src/protocol/clock.ts";
import type { Socket, SocketEvents } from "../src/protocol/link.ts";

interface Timer {
  atMs: number;
  act: () => void;
}

export class FakeClock implements Clock {
  private nowMs = 1_763_800_000_000;
  private timers: Timer[] = [];

  now(): number {
    return this.nowMs;
  }

  after(delayMs: number, act: () => void): Cancel {
    const timer = { atMs: this.nowMs + delayMs, act };
    this.timers.push(timer);
    return () => (this.timers = this.timers.filter((other) => other !== timer));
  }

  /** Let time pass; what is due runs at its own moment, and promises settle in between. */
  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (let next = this.due(endMs); next !== undefined; next = this.due(endMs)) {
      const timer = next;
      this.timers = this.timers.filter((other) => other !== timer);
      this.nowMs = timer.atMs;
      timer.act();
      await settled();
    }
    this.nowMs = endMs;
  }

  private due(endMs: number): Timer | undefined {
    return this.timers.filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
  }
}

export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class FakeSocket implements Socket {
  readonly address: string;
  readonly events: SocketEvents;
  readonly sent: unknown[] = [];
  isClosed = false;

  constructor(address: string, events: SocketEvents) {
    this.address = address;
    this.events = events;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.isClosed = true;
  }
}
