// What only the leader may do, and how its late writes are kept out. Run it: npx tsx examples/leadership.ts

import { joinDiscovery, type Leadership, type Member } from "crosswire/discovery";

/** Of this run alone: two runs are not to meet. */
const NAME = `prices-${process.pid}`;

// #region resource
/** Stands for what only the leader may change, such as a file or a table of a database. */
class Prices {
  #epoch = 0;
  #apple = 0;

  /** Refuses who led before somebody else who has written here. */
  write(epoch: number, apple: number): void {
    if (epoch < this.#epoch)
      throw new Error(`Epoch ${epoch} is over: epoch ${this.#epoch} has written`);
    this.#epoch = epoch;
    this.#apple = apple;
  }

  read(): number {
    return this.#apple;
  }
}
// #endregion

// #region on-lead
/** Calls `lead` whenever this member becomes the leader. Returns the undo. */
function onLead(member: Member, lead: (leadership: Leadership) => void): () => void {
  let known: Leadership | undefined;
  const look = (): void => {
    const { leadership } = member;
    if (leadership !== undefined && leadership !== known) lead(leadership);
    known = leadership;
  };
  look(); // it may lead already
  return member.onChange(look);
}
// #endregion

export async function main(): Promise<void> {
  const prices = new Prices();

  // #region job
  const first = await joinDiscovery({ name: NAME });
  onLead(first, (leadership) => {
    const update = (): void => prices.write(leadership.epoch, 30);
    update();
    const timer = setInterval(update, 60_000);
    leadership.signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  });
  // #endregion
  const second = await joinDiscovery({ name: NAME }); // in your program: another process
  console.log(`first leads: ${first.isLeader}, second leads: ${second.isLeader}`);

  // #region late
  const { epoch } = first; // under which the next price is decided, and that takes a while
  const taken = new Promise<void>((resolve) => {
    onLead(second, (leadership) => {
      prices.write(leadership.epoch, 40);
      resolve();
    });
  });
  await first.close(); // meanwhile another member takes over, and writes
  await taken;
  try {
    prices.write(epoch, 35);
  } catch (error) {
    console.log((error as Error).message); // Epoch 1795… is over: …
  }
  // #endregion
  console.log(`second leads: ${second.isLeader}, an apple costs ${prices.read()}`);

  await second.close();
}

if (process.argv[1] === import.meta.filename) await main();
