// A runner that starts a program, commands it, changes its configuration, and sees it crash. Run it: npx tsx examples/testkit/index.ts

// #region start
import { createRunner } from "crosswire/testkit";
import { isCrosswireError } from "crosswire";
import { countWords, fail, readAddress, type ShopFlags } from "./commands.ts";

const SHOP = new URL("worker.ts", import.meta.url);

// #endregion
export async function main(): Promise<void> {
  // #region start
  const runner = await createRunner({ output: ({ text }) => console.log("shop says:", text) });
  const shop = await runner.start({ runtimeId: "shop", script: SHOP });
  console.log(shop.keys); // [ "http", "flags" ]
  console.log(await shop.request(countWords, "to be or not to be")); // 6
  // #endregion

  // #region config
  const address = await shop.request(readAddress);
  const flags = shop.config<ShopFlags>("flags");
  await flags.set("greeting", "Good evening");
  console.log(await (await fetch(address)).text()); // Good evening
  await flags.reset();
  console.log(await (await fetch(address)).text()); // Hello
  // #endregion

  // #region crash
  runner.onCrash((error) => console.log(error.message));
  try {
    await shop.request(fail);
  } catch (error) {
    if (!isCrosswireError(error, "XW_WORKER")) throw error;
    console.log(error.detail); // { runtimeId: "shop", exitCode: 3, signal: null, stderr: [ … ] }
  }
  // #endregion

  // #region close
  await runner.close();
  // #endregion
}

if (process.argv[1] === import.meta.filename) await main();
