// Writes a measurement of the RPC suite down: Markdown for people, JSON for the next run. Computes nothing new.

import type { Machine } from "../machine.ts";
import { NOTHING, ranged, table, toRoundedJson, whole } from "../markdown.ts";
import {
  cpuMicros,
  difference,
  kilobytes,
  p50Micros,
  p99Micros,
  pairedSpread,
  rate,
  ratio,
  spread,
} from "./cells.ts";
import type { Verdict } from "./goals.ts";
import { FLOOR } from "./peer-list.ts";
import type { Measurement, Plan, Rounds } from "./rounds.ts";
import type { Row } from "./rows.ts";

export interface Report {
  plan: Plan;
  measurement: Measurement;
  verdicts: Verdict[];
  machine: Machine;
  versions: Record<string, string>;
}

export function toMarkdown(report: Report): string {
  const { plan, machine } = report;
  const cpuRows = plan.rows.filter((row) => row.showsCpu);
  const sections = [
    `# RPC between two processes`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}, ` +
      `load ${machine.load.toFixed(1)}; ${plan.rounds} rounds of ${plan.seconds} s.`,
    `Cell: median ratio to ${FLOOR} (lowest..highest round), then the median figure.`,
    table(["peer", ...plan.rows.map((row) => row.name)], peerLines(report, plan.rows, mainCell)),
    plan.rows.map((row) => `- \`${row.name}\`: ${row.title}`).join("\n"),
    ...cpuSection(report, cpuRows),
    ...goalSection(report.verdicts),
    ...remarkSection(report.measurement),
  ];
  return `${sections.join("\n\n")}\n`;
}

export function toJson({ plan, measurement, verdicts, machine, versions }: Report): string {
  const { absent, failed, rounds } = measurement;
  const content = {
    date: new Date().toISOString(),
    machine,
    versions,
    settings: { rounds: plan.rounds, seconds: plan.seconds },
    absent: Object.fromEntries(absent),
    failed: Object.fromEntries(failed),
    goals: verdicts,
    rows: Object.fromEntries([...rounds].map(([row, cells]) => [row, Object.fromEntries(cells)])),
  };
  return toRoundedJson(content);
}

function cpuSection(report: Report, rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  return [
    `## CPU time per operation`,
    `User and system time of both processes. Ratio to ${FLOOR}: less is better.`,
    table(["peer", ...rows.map((row) => row.name)], peerLines(report, rows, cpuCell)),
  ];
}

function goalSection(verdicts: readonly Verdict[]): string[] {
  if (verdicts.length === 0) return [];
  const lines = verdicts.map((verdict) => [
    verdict.row,
    verdict.peer,
    target(verdict),
    verdict.figure === undefined ? NOTHING : ranged(verdict.figure),
    verdict.result,
  ]);
  return [`## Goals`, table(["row", "peer", "target", "measured", "result"], lines)];
}

function remarkSection({ absent, failed }: Measurement): string[] {
  const remarks = [
    ...[...absent].map(([name, reason]) => `- ${name} does not run here: ${reason}`),
    ...[...failed].map(([name, reason]) => `- **${name} FAILED**: ${reason}`),
  ];
  return remarks.length === 0 ? [] : [`## Remarks`, remarks.join("\n")];
}

type Cell = (row: Row, own: Rounds | undefined, floor: Rounds | undefined) => string;

function peerLines({ plan, measurement }: Report, rows: readonly Row[], cell: Cell): string[][] {
  const present = plan.peers.filter((peer) => !measurement.absent.has(peer.name));
  return present.map(({ name }) => [
    name,
    ...rows.map((row) => {
      const cells = measurement.rounds.get(row.name);
      return cell(row, cells?.get(name), cells?.get(FLOOR));
    }),
  ]);
}

function mainCell(row: Row, own: Rounds | undefined, floor: Rounds | undefined): string {
  if (row.kind === "idle") return idleCell(own, floor);
  const ratios = pairedSpread(own, floor, rate, ratio);
  if (ratios === undefined) return NOTHING;
  const [p50, p99] = [spread(own, p50Micros), spread(own, p99Micros)];
  if (p50 !== undefined && p99 !== undefined) {
    return `${ranged(ratios)} ${whole(1e6 / p50.median)}/s, p99 ${whole(p99.median)} µs`;
  }
  return `${ranged(ratios)} ${whole(spread(own, rate)?.median ?? 0)}/s`;
}

function idleCell(own: Rounds | undefined, floor: Rounds | undefined): string {
  const [size, extra] = [
    spread(own, kilobytes),
    pairedSpread(own, floor, kilobytes, difference)?.median,
  ];
  if (size === undefined || extra === undefined) return NOTHING;
  const range = `${size.min.toFixed(1)}..${size.max.toFixed(1)}`;
  const sign = extra < 0 ? "" : "+";
  return `**${size.median.toFixed(1)} KB** (${range}) ${sign}${extra.toFixed(1)} KB`;
}

function cpuCell(_row: Row, own: Rounds | undefined, floor: Rounds | undefined): string {
  const ratios = pairedSpread(own, floor, cpuMicros, ratio);
  const micros = spread(own, cpuMicros);
  if (ratios === undefined || micros === undefined) return NOTHING;
  return `${ranged(ratios)} ${micros.median.toFixed(1)} µs`;
}

function target({ atLeast, atMost, reference, against }: Verdict): string {
  const name = against === "floor" ? FLOOR : `best library (${reference ?? "none ran"})`;
  return atMost === undefined ? `≥ ${atLeast} × ${name}` : `≤ ${name} + ${atMost} KB`;
}
