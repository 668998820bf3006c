// `npm run bench [suite]`: runs one suite, `rpc` when none is named. How to read it: README.md beside this.

const SUITES = {
  rpc: async () => import("./rpc/suite.ts"),
  proxy: async () => import("./proxy/suite.ts"),
  discovery: async () => import("./discovery/suite.ts"),
  cpri: async () => import("./cpri/suite.ts"),
};

const [first, ...rest] = process.argv.slice(2);
const isNamed = first !== undefined && !first.startsWith("-");
const { run } = await findSuite(isNamed ? first : "rpc")();
process.exitCode = await run(isNamed ? rest : process.argv.slice(2));

function findSuite(name: string): (typeof SUITES)[keyof typeof SUITES] {
  if (Object.hasOwn(SUITES, name)) return SUITES[name as keyof typeof SUITES];
  throw new TypeError(
    `There is no suite "${name}". The suites are: ${Object.keys(SUITES).join(", ")}.`,
  );
}
