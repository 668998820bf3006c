// Writes a measurement of the proxy suite down: Markdown for people, JSON for the next run. Computes nothing new.

import type { Machine } from "../machine.ts";
import { NOTHING, ranged, table, toRoundedJson, whole } from "../markdown.ts";
import { cpuMicros, p50Micros, pairedSpread, rate, ratio, spread } from "../rpc/cells.ts";
import type { Rounds } from "../rpc/rounds.ts";
import { mebibytes, type Verdict } from "./goals.ts";
import { FLOOR, RIVAL } from "./peer-list.ts";
import type { Measurement, Plan } from "./rounds.ts";
import type { Row } from "./rows.ts";

export interface Report {
  plan: Plan;
  measurement: Measurement;
  verdicts: Verdict[];
  machine: Machine;
  versions: Record<string, string>;
  /** One minute average when the run began: what others do on this machine. */
  loadBefore: number;
}

export function toMarkdown(report: Report): string {
  const { plan, machine } = report;
  const timed = plan.rows.filter((row) => row.kind === "http" || row.kind === "socket");
  const memory = plan.rows.filter((row) => row.kind === "memory");
  const sections = [
    `# A reverse proxy in front of one target`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}, ` +
      `load ${machine.load.toFixed(1)}; ${plan.rounds} rounds of ${plan.seconds} s with ${plan.load.name}.`,
    ...section(report, timed, rateCell, [
      `Cell: median ratio to ${FLOOR} (lowest..highest round), then the median figure.`,
    ]),
    plan.rows.map((row) => `- \`${row.name}\`: ${row.title}`).join("\n"),
    ...section(report, timed, cpuCell, [
      `## CPU time of the proxy per request or message`,
      `User and system time of the proxy process. Ratio to ${RIVAL}: less is better.`,
    ]),
    ...section(report, memory, memoryCell, [
      `## Memory`,
      `MiB between a process that passed 1 MB on, and its peak while 1 GiB passed. Once per peer.`,
    ]),
    ...goalSection(report.verdicts),
    ...remarkSection(report),
  ];
  return `${sections.join("\n\n")}\n`;
}

export function toJson({
  plan,
  measurement,
  verdicts,
  machine,
  versions,
  loadBefore,
}: Report): string {
  const { absent, failed, rounds } = measurement;
  return toRoundedJson({
    date: new Date().toISOString(),
    machine: { ...machine, loadBefore },
    versions,
    settings: { rounds: plan.rounds, seconds: plan.seconds, load: plan.load.name },
    absent: Object.fromEntries(absent),
    failed: nested(failed),
    goals: verdicts,
    rows: nested(rounds),
  });
}

type Cell = (cells: ReadonlyMap<string, Rounds>, name: string) => string;

function section(report: Report, rows: readonly Row[], cell: Cell, head: string[]): string[] {
  if (rows.length === 0) return [];
  const { plan, measurement } = report;
  const present = plan.peers.filter((peer) => !measurement.absent.has(peer.name));
  const lines = present.map(({ name }) => [
    name,
    ...rows.map((row) => cell(measurement.rounds.get(row.name) ?? new Map(), name)),
  ]);
  return [...head, table(["peer", ...rows.map((row) => row.name)], lines)];
}

function rateCell(cells: ReadonlyMap<string, Rounds>, name: string): string {
  const own = cells.get(name);
  const ratios = pairedSpread(own, cells.get(FLOOR), rate, ratio);
  const p50 = spread(own, p50Micros)?.median;
  if (ratios === undefined || p50 === undefined) return NOTHING;
  return `${ranged(ratios)} ${whole(spread(own, rate)?.median ?? 0)}/s, p50 ${whole(p50)} µs`;
}

function cpuCell(cells: ReadonlyMap<string, Rounds>, name: string): string {
  const own = cells.get(name);
  const micros = spread(own, cpuMicros);
  if (micros === undefined) return NOTHING;
  const figure = `${micros.median.toFixed(1)} µs`;
  const ratios = pairedSpread(own, cells.get(RIVAL), cpuMicros, ratio);
  return ratios === undefined ? figure : `${ranged(ratios)} ${figure}`;
}

function memoryCell(cells: ReadonlyMap<string, Rounds>, name: string): string {
  const growth = spread(cells.get(name), mebibytes);
  return growth === undefined ? NOTHING : `${growth.median.toFixed(0)} MiB`;
}

function goalSection(verdicts: readonly Verdict[]): string[] {
  if (verdicts.length === 0) return [];
  const lines = verdicts.map(({ row, figure, target, measured, result, isGate }) => [
    row,
    figure,
    target,
    measured === undefined ? NOTHING : ranged(measured),
    isGate ? `${result} (decides the exit code)` : result,
  ]);
  return [`## Goals`, table(["row", "figure", "target", "measured", "result"], lines)];
}

function remarkSection({ plan, measurement, machine, loadBefore }: Report): string[] {
  const isBusy = loadBefore > machine.cores / 2;
  const remarks = [
    ...(isBusy
      ? [
          `- **The machine was busy before the run began** (load ${loadBefore.toFixed(1)}): repeat it.`,
        ]
      : []),
    ...plan.rows.flatMap((row) =>
      row.kind === "pending" ? [`- \`${row.name}\` is not measured: ${row.missing}.`] : [],
    ),
    ...[...measurement.absent].map(([name, reason]) => `- ${name} does not run here: ${reason}`),
    ...[...measurement.failed].flatMap(([row, peers]) =>
      [...peers].map(([name, reason]) => `- **${name} is out of \`${row}\`**: ${reason}`),
    ),
  ];
  return remarks.length === 0 ? [] : [`## Remarks`, remarks.join("\n")];
}

function nested<T>(map: ReadonlyMap<string, ReadonlyMap<string, T>>): Record<string, unknown> {
  return Object.fromEntries([...map].map(([key, value]) => [key, Object.fromEntries(value)]));
}
