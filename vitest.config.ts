// Which tests run against what: the sources, the built package, and the ones that need the garbage
// collector. How one test is written is not decided here.

import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig, type ViteUserConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** They take so long that they must not come last: then one of the two processes would wait for the other. */
const SLOW = /torture|next|docs|kill|faults|flood|own-engine|http-proxy|model|member/;

/** Without a record of earlier runs Vitest begins with the largest files, and these are small. */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification): boolean => SLOW.test(moduleId);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

const MEMORY_TESTS = "test/**/*.memory.test.ts";

const shared = {
  setupFiles: ["test/setup.ts"],
  testTimeout: 20_000,
  hookTimeout: 20_000,
  pool: "forks",
  // The files share two processes and what is loaded there: to load all of it for each file took longer than the tests.
  isolate: false,
  // A test that passes at the second attempt is a failing test.
  retry: 0,
} satisfies ViteUserConfig["test"];

/** Makes `import "crosswire"` mean the sources; without it the export map leads to dist. */
const sourceAlias = [
  { find: /^crosswire$/, replacement: source("index.ts") },
  { find: /^crosswire\/(register|msw)$/, replacement: source("cpri/$1.ts") },
  { find: /^crosswire\/(\w+)$/, replacement: source("$1/index.ts") },
];

function source(path: string): string {
  return fileURLToPath(new URL("src/", import.meta.url)) + path;
}

const config: ViteUserConfig = defineConfig({
  test: {
    maxWorkers: 2,
    sequence: { sequencer: SlowFirst },
    globalSetup: ["test/fixtures/compile-children.ts"],
    coverage: { provider: "v8", include: ["src/**"] },
    projects: [
      {
        resolve: { alias: sourceAlias },
        test: {
          ...shared,
          name: "src",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, MEMORY_TESTS],
        },
      },
      {
        test: {
          ...shared,
          name: "dist",
          include: ["test/public/**/*.test.ts"],
          exclude: [...configDefaults.exclude, MEMORY_TESTS],
          // Node itself loads the built files: Vite would forgive a specifier that Node does not.
          server: { deps: { external: [/\/dist\//] } },
        },
      },
      {
        resolve: { alias: sourceAlias },
        test: {
          ...shared,
          name: "memory",
          isolate: true,
          include: [MEMORY_TESTS],
          execArgv: ["--expose-gc"],
        },
      },
    ],
  },
});

export default config;
