// Writes a measurement of the proxy suite down: Markdown for people, JSON for the next run. Computes nothing new.

import type { Machine } from "../machine.ts";
import { NOTHING, ranged, table, toRoundedJson, whole } from "../markdown.ts";
import { cpuMicros, p50Micros, pairedSpread, rate, ratio, spread } from "../rpc/cells.ts";
import type { Rounds } from "../rpc/rounds.ts";
import { mebibytes, millis, type Verdict } from "./goals.ts";
import { FLOOR, RIVAL, routedName } from "./peer-list.ts";
import type { Measurement, Plan } from "./rounds.ts";
import type { Row } from "./rows.ts";

/** What a table of more routes is compared with. */
const FEW_ROUTES = routedName(10);

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
  const { rows } = plan;
  const isRouted = (row: Row): boolean => row.kind === "http" && row.hasOwnPeers === true;
  const isTimed = (row: Row): boolean =>
    row.kind === "socket" || (row.kind === "http" && !isRouted(row));
  const sections = [
    `# A reverse proxy in front of one target`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}, ` +
      `load ${machine.load.toFixed(1)}; ${plan.rounds} rounds of ${plan.seconds} s with ${plan.load.name}.`,
    ...section(report, columnsOf(rows.filter(isTimed), rateCell(FLOOR)), [
      `Cell: median ratio to ${FLOOR} (lowest..highest round), then the median figure.`,
    ]),
    rows.map((row) => `- \`${row.name}\`: ${row.title}`).join("\n"),
    ...section(report, columnsOf(rows.filter(isTimed), cpuCell(RIVAL)), [
      `## CPU time of the proxy per request or message`,
      `User and system time of the proxy process. Ratio to ${RIVAL}: less is better.`,
    ]),
    ...section(report, rows.filter(isRouted).flatMap(routeColumns), [
      `## Routes`,
      `The number behind the name is the number of routes. Ratios to ${FEW_ROUTES}.`,
    ]),
    ...section(report, columnsOf(ofKind(rows, "memory"), memoryCell), [
      `## Memory`,
      `MiB between a process that passed 1 MB on, and its peak while 1 GiB passed. Once per peer.`,
    ]),
    ...section(report, columnsOf(ofKind(rows, "start"), startCell), [
      `## Start`,
      `Milliseconds to the first answer: median (lowest..highest).`,
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

interface Column {
  title: string;
  row: Row;
  cell: Cell;
}

function ofKind(rows: readonly Row[], kind: Row["kind"]): Row[] {
  return rows.filter((row) => row.kind === kind);
}

function columnsOf(rows: readonly Row[], cell: Cell): Column[] {
  return rows.map((row) => ({ title: row.name, row, cell }));
}

function routeColumns(row: Row): Column[] {
  return [
    { title: "rate", row, cell: rateCell(FEW_ROUTES) },
    { title: "CPU per request", row, cell: cpuCell(FEW_ROUTES) },
  ];
}

/** With a line for each peer that takes part in one of these rows. */
function section({ measurement }: Report, columns: readonly Column[], head: string[]): string[] {
  if (columns.length === 0) return [];
  const cellsOf = ({ row }: Column): ReadonlyMap<string, Rounds> =>
    measurement.rounds.get(row.name) ?? new Map();
  const names = new Set(columns.flatMap((column) => [...cellsOf(column).keys()]));
  const lines = Array.from(names, (name) => [
    name,
    ...columns.map((column) => column.cell(cellsOf(column), name)),
  ]);
  return [...head, table(["peer", ...columns.map(({ title }) => title)], lines)];
}

function rateCell(reference: string): Cell {
  return (cells, name) => {
    const own = cells.get(name);
    const ratios = pairedSpread(own, cells.get(reference), rate, ratio);
    const p50 = spread(own, p50Micros)?.median;
    if (ratios === undefined || p50 === undefined) return NOTHING;
    return `${ranged(ratios)} ${whole(spread(own, rate)?.median ?? 0)}/s, p50 ${whole(p50)} µs`;
  };
}

function cpuCell(reference: string): Cell {
  return (cells, name) => {
    const own = cells.get(name);
    const micros = spread(own, cpuMicros);
    if (micros === undefined) return NOTHING;
    const figure = `${micros.median.toFixed(1)} µs`;
    const ratios = pairedSpread(own, cells.get(reference), cpuMicros, ratio);
    return ratios === undefined ? figure : `${ranged(ratios)} ${figure}`;
  };
}

function memoryCell(cells: ReadonlyMap<string, Rounds>, name: string): string {
  const growth = spread(cells.get(name), mebibytes);
  return growth === undefined ? NOTHING : `${growth.median.toFixed(0)} MiB`;
}

function startCell(cells: ReadonlyMap<string, Rounds>, name: string): string {
  const times = spread(cells.get(name), millis);
  return times === undefined ? NOTHING : ranged(times, 0);
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

function remarkSection({ measurement, machine, loadBefore }: Report): string[] {
  const isBusy = loadBefore > machine.cores / 2;
  const remarks = [
    ...(isBusy
      ? [
          `- **The machine was busy before the run began** (load ${loadBefore.toFixed(1)}): repeat it.`,
        ]
      : []),
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
