// Ends with 0 where the URL given answers 2xx, as an image without curl has it.
const { ok } = await fetch(process.argv[2], { signal: AbortSignal.timeout(2_500) });
process.exit(ok ? 0 : 1);
