// Our engine keeps what every engine promises, without an exception.

import { createEngine } from "../../src/http/engine/create-engine.ts";
import { engineContract } from "./engine-contract.ts";

engineContract("the engine of Crosswire", createEngine);
