// Many member processes: started, told to join, killed, replaced, and never two leaders among them.

import { type ChildProcess, fork } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("member-process.mjs", import.meta.url));
const WAIT_MS = 30_000;

type Report =
  | { readonly type: "ready" | "joined" }
  | { readonly type: "failed"; readonly error: string }
  | { readonly type: "memory"; readonly bytes: number }
  | {
      readonly type: "standing";
      readonly isLeader: boolean;
      readonly epoch: number;
      readonly at: string;
      readonly error?: string;
    };

/** From when a process said that it leads until when it was killed or told to leave; monotonic nanoseconds. */
export interface Term {
  readonly epoch: number;
  readonly pid: number;
  readonly from: bigint;
  until: bigint | undefined;
}

export class MemberProcess {
  readonly service: string;
  readonly child: ChildProcess;
  readonly events: EventEmitter = new EventEmitter();
  isLeader = false;
  isJoined = false;
  /** The code of what keeps it from having a leader. */
  trouble: string | undefined;

  constructor(service: string, { port, name }: Crowd) {
    this.service = service;
    this.child = fork(SCRIPT, [String(port), name, service], {
      execArgv: ["--expose-gc"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.child.on("message", (report: Report) => this.#hear(report));
    // Whoever waits for a report of it need not wait any longer.
    this.child.on("exit", (code, signal) => {
      const text = `${service} (${this.pid}) ended with ${signal ?? code}.`;
      if (this.events.listenerCount("error") > 0) this.events.emit("error", new Error(text));
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  tell(command: "join" | "leave" | "memory"): void {
    this.child.send(command);
  }

  /** Resolves with the next report of this type. */
  async next<Type extends Report["type"]>(type: Type): Promise<Extract<Report, { type: Type }>> {
    const signal = AbortSignal.timeout(WAIT_MS);
    const [report] = (await once(this.events, type, { signal })) as [never];
    return report;
  }

  async kill(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const exited = once(this.child, "exit");
    this.child.kill(signal);
    await exited;
  }

  #hear(report: Report): void {
    if (report.type === "standing") {
      this.isLeader = report.isLeader;
      this.trouble = report.error;
    }
    if (report.type === "joined") this.isJoined = true;
    if (report.type === "failed") this.events.emit("error", new Error(report.error));
    else this.events.emit(report.type, report);
  }
}

export class Crowd {
  readonly port: number;
  readonly name: string;
  /** Every leadership that was reported, in the order of the reports. */
  readonly terms: Term[] = [];
  #members = new Set<MemberProcess>();
  #count = 0;

  constructor(port: number, name: string) {
    this.port = port;
    this.name = name;
  }

  get joined(): MemberProcess[] {
    return [...this.#members].filter(({ isJoined }) => isJoined);
  }

  get leader(): MemberProcess | undefined {
    return this.joined.find(({ isLeader }) => isLeader);
  }

  services(): string[] {
    return this.joined.map(({ service }) => service).sort();
  }

  /** Started, but not told to join yet. */
  async start(): Promise<MemberProcess> {
    const member = new MemberProcess(`service-${++this.#count}`, this);
    this.#members.add(member);
    member.events.on("standing", (report: Extract<Report, { type: "standing" }>) => {
      if (report.isLeader) this.#began(member, report);
    });
    await member.next("ready");
    return member;
  }

  async join(member: MemberProcess): Promise<void> {
    const joined = member.next("joined");
    member.tell("join");
    await joined;
  }

  /** Returns when it was killed, in monotonic nanoseconds. */
  async end(member: MemberProcess, signal: "SIGKILL" | "SIGTERM"): Promise<bigint> {
    const at = process.hrtime.bigint();
    this.#members.delete(member);
    const term = this.terms.find(({ pid, until }) => pid === member.pid && until === undefined);
    if (term !== undefined) term.until = at;
    await member.kill(signal);
    return at;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#members].map(async (member) => this.end(member, "SIGKILL")));
  }

  /** Pairs of terms that cannot both have been alone: the later began before the earlier was ended, or has no higher epoch. */
  overlaps(): string[] {
    const found: string[] = [];
    for (const [i, earlier] of this.terms.entries()) {
      for (const later of this.terms.slice(i + 1)) {
        const isAfter = earlier.until !== undefined && later.from > earlier.until;
        if (!isAfter || later.epoch <= earlier.epoch)
          found.push(`epoch ${earlier.epoch} (${earlier.pid}) and ${later.epoch} (${later.pid})`);
      }
    }
    return found;
  }

  #began({ pid }: MemberProcess, { epoch, at }: { epoch: number; at: string }): void {
    if (this.terms.some((term) => term.pid === pid && term.epoch === epoch)) return;
    this.terms.push({ epoch, pid, from: BigInt(at), until: undefined });
  }
}
