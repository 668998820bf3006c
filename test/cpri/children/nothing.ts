// A process that does nothing, and so is over at once.

process.exitCode = 0;
