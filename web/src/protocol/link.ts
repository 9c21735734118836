/**
 * The connection to the gateway: opened with a fresh ticket, kept alive, replaced before the gateway ends it, and
 * reopened for ever when it is lost.
 */

import { backoffMs } from "./backoff.ts";
import type { Cancel, Clock } from "./clock.ts";
import { gathered } from "./gather.ts";
import type { ClientFrame } from "./message.ts";

const MINUTE_MS = 60_000;
/** The gateway cuts a connection after 2 hours; 110 ± 5 minutes spread those that were opened together. */
const HAND_OVER_LEAST_MS = 105 * MINUTE_MS;
const HAND_OVER_SPREAD_MS = 10 * MINUTE_MS;
/** The gateway cuts a silent connection after 10 minutes; 8 ± 1 of silence spreads the pings of many pages. */
const QUIET_LEAST_MS = 7 * MINUTE_MS;
const QUIET_SPREAD_MS = 2 * MINUTE_MS;
const PONG_WITHIN_MS = 10_000;
const OPEN_WITHIN_MS = 15_000;
/** A connection that lasted this long was a success: the next loss starts from a short wait again. */
const STEADY_AFTER_MS = 10_000;
/** The old connection stays this long beside the new one, so that nothing falls between them. */
const OVERLAP_MS = 5_000;

export type LinkState =
  | { name: "connecting" }
  | { name: "live" }
  | { name: "reconnecting"; retryAtMs: number }
  | { name: "offline" }
  | { name: "signedOut" };

/** The server knows this page's token no longer; trying again cannot help. */
export class SignedOut extends Error {}

export interface Socket {
  send(text: string): void;
  close(): void;
}

export interface SocketEvents {
  opened(): void;
  text(text: string): void;
  closed(): void;
}

export interface LinkPorts {
  clock: Clock;
  random(): number;
  /** The address with a new ticket; rejects with `SignedOut` when the token is refused. */
  address(): Promise<string>;
  open(address: string, events: SocketEvents): Socket;
  isOnline(): boolean;
  changed(state: LinkState): void;
  /** A connection took over; `connection` numbers it. */
  opened(connection: number): void;
  text(text: string, connection: number): void;
}

export class Link {
  state: LinkState = { name: "connecting" };
  private readonly ports: LinkPorts;
  private socket: Socket | null = null;
  private asked: ClientFrame[] = [];
  private openedAtMs = 0;
  private attempt = 0;
  /** How often in a row the connection could not be handed over. */
  private missedInARow = 0;
  /** Numbers dials. */
  private dialled = 0;
  /** The dial that is under way, and the one whose connection was taken; what belongs to another is ignored. */
  private dialling: number | null = null;
  private taken: number | null = null;
  private retry: Cancel = nothing;
  private quiet: Cancel = nothing;
  private pong: Cancel = nothing;
  private handOver: Cancel = nothing;

  constructor(ports: LinkPorts) {
    this.ports = ports;
  }

  start(): void {
    this.become({ name: "connecting" });
    void this.dial();
  }

  stop(): void {
    this.dialling = this.taken = null;
    this.cancelTimers();
    this.socket?.close();
    this.socket = null;
  }

  /** Send a frame at the end of this turn, together with what else is asked in it. */
  send(frame: ClientFrame): void {
    if (this.asked.length === 0) queueMicrotask(() => this.flush());
    this.asked.push(frame);
  }

  /** Try at once instead of waiting out the backoff. */
  tryNow(): void {
    if (this.state.name !== "reconnecting" && this.state.name !== "offline") return;
    this.become({ name: "connecting" });
    void this.dial();
  }

  /** The page came back into view or online: reconnect now, or make sure the connection still answers. */
  wake(): void {
    if (this.socket !== null) this.probe();
    else this.tryNow();
  }

  /** Something speaks against the connection: make sure it still answers. One that is lost already is tried at its own pace. */
  doubt(): void {
    if (this.socket !== null) this.probe();
  }

  /** Give this connection up and take a new one: it cannot be kept up with, or the machine went offline. */
  renew(): void {
    this.lost();
  }

  private flush(): void {
    const asked = this.asked;
    this.asked = [];
    for (const frame of gathered(asked)) this.socket?.send(JSON.stringify(frame));
  }

  private async dial(): Promise<void> {
    const dial = (this.dialling = ++this.dialled);
    this.retry();
    try {
      const address = await this.ports.address();
      if (dial === this.dialling) this.open(address, dial);
    } catch (error) {
      if (dial !== this.dialling) return;
      if (error instanceof SignedOut) this.signOut();
      else this.missed();
    }
  }

  private open(address: string, dial: number): void {
    const socket = this.ports.open(address, {
      opened: () => (dial === this.dialling ? this.adopt(socket, dial) : socket.close()),
      text: (text) => this.heard(text, dial),
      closed: () => {
        if (dial === this.taken) this.gone();
        else if (dial === this.dialling) this.missed();
      },
    });
    this.retry = this.ports.clock.after(OPEN_WITHIN_MS, () => {
      socket.close();
      this.missed();
    });
  }

  /** A dial came to nothing. Where it was to hand over, the old connection is as good as before: try again beside it. */
  private missed(): void {
    if (this.socket === null) {
      this.lost();
      return;
    }
    this.dialling = null;
    this.retry();
    const waitMs = backoffMs(this.missedInARow++, () => this.ports.random());
    this.handOver = this.ports.clock.after(waitMs, () => void this.dial());
  }

  /** The connection ended. Where another one is being dialled already, that one takes its place. */
  private gone(): void {
    if (this.dialling === null) {
      this.lost();
      return;
    }
    this.socket?.close();
    this.socket = this.taken = null;
    for (const cancel of [this.quiet, this.pong, this.handOver]) cancel();
    this.pong = nothing;
    this.become({ name: "connecting" });
  }

  private adopt(socket: Socket, dial: number): void {
    const old = this.socket;
    if (old !== null) this.ports.clock.after(OVERLAP_MS, () => old.close());
    this.cancelTimers();
    this.dialling = null;
    this.taken = dial;
    this.missedInARow = 0;
    this.socket = socket;
    this.openedAtMs = this.ports.clock.now();
    const leaveAfterMs = HAND_OVER_LEAST_MS + HAND_OVER_SPREAD_MS * this.ports.random();
    this.handOver = this.ports.clock.after(leaveAfterMs, () => void this.dial());
    this.listen();
    this.become({ name: "live" });
    this.ports.opened(dial);
  }

  private heard(text: string, dial: number): void {
    if (this.socket === null) return;
    if (dial === this.taken) this.listen();
    this.ports.text(text, dial);
  }

  private listen(): void {
    this.pong();
    this.pong = nothing;
    this.quiet();
    const quietMs = QUIET_LEAST_MS + QUIET_SPREAD_MS * this.ports.random();
    this.quiet = this.ports.clock.after(quietMs, () => this.probe());
  }

  private probe(): void {
    // One that is asked already has its ten seconds, however often somebody asks meanwhile.
    if (this.pong !== nothing) return;
    this.send({ action: "ping" });
    this.pong = this.ports.clock.after(PONG_WITHIN_MS, () => this.gone());
  }

  private lost(): void {
    if (this.socket !== null && this.ports.clock.now() - this.openedAtMs >= STEADY_AFTER_MS) this.attempt = 0;
    this.stop();
    const waitMs = backoffMs(this.attempt++, () => this.ports.random());
    this.retry = this.ports.clock.after(waitMs, () => void this.dial());
    const retryAtMs = this.ports.clock.now() + waitMs;
    this.become(this.ports.isOnline() ? { name: "reconnecting", retryAtMs } : { name: "offline" });
  }

  private signOut(): void {
    this.stop();
    this.become({ name: "signedOut" });
  }

  private cancelTimers(): void {
    for (const cancel of [this.retry, this.quiet, this.pong, this.handOver]) cancel();
    this.pong = nothing;
  }

  private become(state: LinkState): void {
    this.state = state;
    this.ports.changed(state);
  }
}

function nothing(): void {}
