/** Who is signed in, and the one connection that everything on the page shares. The token lives in memory only. */

import { signal } from "@preact/signals";
import { Api } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import { readBody } from "../protocol/gunzip.ts";
import { Inbox } from "../protocol/inbox.ts";
import { Link, SignedOut, type LinkState, type Socket, type SocketEvents } from "../protocol/link.ts";
import { isAboutConnection, type ClientFrame, type ServerFrame } from "../protocol/message.ts";
import { Replica, type ReplicaPorts } from "../protocol/replica.ts";
import { heardTime, pageClock } from "./clock.ts";
import { Renewal, type Grant } from "./renewal.ts";

/** The issuer whose tokens count, as this page is known to it. */
export interface SignInConfig {
  issuer: string;
  clientId: string;
  audience: string;
  scope: string;
}

export interface Config {
  apiUrl: string;
  webSocketUrl: string;
  signIn?: SignInConfig;
}

export const session = signal<Session | null>(null);
/** When the token ends that nothing can renew, ms since the epoch; null where there is nothing to say. */
export const endsAtMs = signal<number | null>(null);
/** Why a session that worked is let in no more; empty while it is. What is on the page stays until somebody decides. */
export const refusedWhy = signal("");
export const linkState = signal<LinkState>({ name: "connecting" });
/** Why the sign-in form is shown; empty on a first visit. */
export const signedOutWhy = signal("");

export class Session {
  readonly api: Api;
  private readonly config: Config;
  private readonly link: Link;
  private readonly renewal: Renewal;
  /** Whether it was ever let in. */
  hasWorked = false;
  private readonly replicas = new Map<string, Replica>();
  private readonly inboxes = new Map<number, Inbox>();

  constructor(config: Config, grant: Grant) {
    this.config = config;
    this.renewal = new Renewal(grant, {
      clock: pageClock,
      random: Math.random,
      renewed: () => void this.prolong(),
      ending: (atMs) => (endsAtMs.value = atMs),
    });
    const now = () => (refusedWhy.peek() === "" ? this.renewal.token : null);
    this.api = new Api(config.apiUrl, { now, renew: () => this.renewal.renew() }, heardTime);
    this.link = new Link({
      clock: pageClock,
      random: Math.random,
      address: () => this.address(),
      open: openSocket,
      isOnline: () => navigator.onLine,
      changed: (state) => this.linkChanged(state),
      opened: (connection) => this.opened(connection),
      text: (text, connection) => this.text(text, connection),
    });
    this.link.start();
  }

  /** Hold a source's document and keep it right until `unwatch`. */
  watch(sourceId: string, changed: ReplicaPorts["changed"]): Replica {
    const send = (frame: ClientFrame) => this.link.send(frame);
    const replica = new Replica(sourceId, { clock: pageClock, random: Math.random, send, changed });
    this.replicas.set(sourceId, replica);
    if (this.link.state.name === "live") replica.opened();
    return replica;
  }

  unwatch(sourceId: string): void {
    this.replicas.get(sourceId)?.closed();
    this.replicas.delete(sourceId);
    this.link.send({ action: "unsubscribe", sourceId });
  }

  tryNow(): void {
    this.link.tryNow();
  }

  wake(): void {
    this.link.wake();
  }

  /** The API cannot be reached, or knows more than was heard: the connection may be dead and not know it. */
  doubt(): void {
    this.link.doubt();
  }

  /** The machine lost its network, and so did the connection, though its socket may not know it for minutes. */
  offline(): void {
    this.link.renew();
  }

  /** Somebody signed in again, perhaps somebody else: everything on the page goes on, over a connection of theirs. */
  take(grant: Grant): void {
    refusedWhy.value = "";
    this.renewal.take(grant);
    if (this.link.state.name === "signedOut") this.link.start();
    else this.link.renew();
  }

  end(): void {
    this.renewal.stop();
    for (const replica of this.replicas.values()) replica.closed();
    this.link.stop();
  }

  /** The connection lives as long as the token it was opened with, unless it is told of another. */
  private async prolong(): Promise<void> {
    try {
      this.link.send({ action: "auth", ticket: await this.api.ticket() });
    } catch (error) {
      console.warn("the connection could not be told of the new token", error);
      this.link.renew();
    }
  }

  private async address(): Promise<string> {
    try {
      const address = new URL(this.config.webSocketUrl, location.href);
      address.searchParams.set("ticket", await this.api.ticket());
      return address.href;
    } catch (error) {
      if (error instanceof Problem && error.isRefusal) throw new SignedOut(error.message, { cause: error });
      throw error;
    }
  }

  private linkChanged(state: LinkState): void {
    linkState.value = state;
    if (state.name === "signedOut") refuse();
    if (state.name !== "live") for (const replica of this.replicas.values()) replica.closed();
  }

  private opened(connection: number): void {
    this.hasWorked = true;
    // Of earlier connections only the one being handed over can still speak.
    for (const old of [...this.inboxes.keys()].slice(0, -1)) this.inboxes.delete(old);
    this.inboxes.set(connection, this.makeInbox());
    for (const replica of this.replicas.values()) replica.opened();
  }

  private makeInbox(): Inbox {
    return new Inbox({
      deliver: (frame) => this.deliver(frame),
      fetchDocument: (path) => this.api.document(path),
      fetchBody,
      report: (problem) => console.warn("a frame was not usable", problem),
      canHash: globalThis.isSecureContext,
    });
  }

  private text(text: string, connection: number): void {
    const inbox = this.inboxes.get(connection);
    if (inbox !== undefined && !inbox.take(text)) this.link.renew();
  }

  private deliver(frame: ServerFrame): void {
    if (frame.type === "error" && isAboutConnection(frame)) return this.link.renew();
    if (!("sourceId" in frame) || frame.sourceId === undefined) return;
    const replica = this.replicas.get(frame.sourceId);
    if (frame.type === "error") replica?.refused(frame);
    else if (frame.type !== "ref") replica?.receive(frame);
  }
}

/** `grant` may be a bare token: of that nothing else is known. */
export function signIn(config: Config, grant: Grant | string): void {
  session.value?.end();
  [signedOutWhy.value, refusedWhy.value] = ["", ""];
  session.value = new Session(config, typeof grant === "string" ? pasted(grant) : grant);
}

export function pasted(token: string): Grant {
  return { token, livesMs: null, renew: null };
}

/** What the next one is not to see of whoever was signed in, while their own is on its way. */
const forgetters: (() => void)[] = [];

export function onSignOut(forget: () => void): void {
  forgetters.push(forget);
}

export function signOut(why: string): void {
  session.value?.end();
  session.value = null;
  for (const forget of forgetters) forget();
  [signedOutWhy.value, refusedWhy.value, endsAtMs.value] = [why, "", null];
}

/** The server lets this token in no more. Who never was let in is asked anew; who was keeps what they were doing. */
function refuse(): void {
  const why = "The server does not take this token.";
  if (session.peek()?.hasWorked) refusedWhy.value = why;
  else signOut(why);
}

/** The error of a read. Whoever may not even read has a token that is no longer good: the page asks for another. */
export function readProblem(error: unknown): Problem {
  const problem = asProblem(error);
  if (problem.isRefusal) refuse();
  return problem;
}

/** The error of a write. A 403 only says that this token may read and no more. */
export function writeProblem(error: unknown): Problem {
  const problem = asProblem(error);
  if (problem.status === 401) refuse();
  return problem;
}

function asProblem(error: unknown): Problem {
  const problem = error instanceof Problem ? error : new Problem(0, String(error), [], { cause: error });
  if (problem.status === 0) session.peek()?.doubt();
  return problem;
}

/** Reconnect at once, or make sure the link still answers, whenever the page comes back. */
export function wakeOnReturn(): void {
  const wake = () => session.value?.wake();
  addEventListener("online", wake);
  addEventListener("offline", () => session.value?.offline());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) wake();
  });
}

function openSocket(address: string, events: SocketEvents): Socket {
  const socket = new WebSocket(address);
  socket.onopen = () => events.opened();
  socket.onmessage = ({ data }) => events.text(String(data));
  socket.onclose = () => events.closed();
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => socket.close(),
  };
}

async function fetchBody(url: string): Promise<string> {
  const response = await fetch(url, { referrerPolicy: "no-referrer", credentials: "omit" });
  if (!response.ok) throw new Problem(response.status, `the stored document answered ${response.status}`);
  return readBody(new Uint8Array(await response.arrayBuffer()));
}
