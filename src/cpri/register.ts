// crosswire/register, to be preloaded: tests may answer for this process, though nothing in its code knows of it.

import { refusedInProduction } from "./sender/production.ts";
import { joinSender } from "./sender/process-sender.ts";
import { senderOptionsFrom } from "./sender/environment.ts";

if (!refusedInProduction(false)) joinSender(senderOptionsFrom(process.env), { isRemote: true });
