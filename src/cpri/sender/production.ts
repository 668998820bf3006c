// SECURITY: whoever is attached to an application sees what it sends and decides what it gets. In production nobody is.

/** Says so once when it refuses. */
export function refusedInProduction(
  isForced: boolean,
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  if (env["NODE_ENV"] !== "production" || isForced || env["CROSSWIRE_FORCE"] === "1") return false;
  process.emitWarning(
    "No test can answer for this process, because NODE_ENV is production. To test a production build, set CROSSWIRE_FORCE=1, or use remote: { enable: true, force: true }.",
    { type: "CrosswireWarning" },
  );
  return true;
}
